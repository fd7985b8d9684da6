"""What is to be done with each delivered file: its hash, and what the ledger and the raw tables say of it.

Files of a source and a prepared warehouse in, one planned file each out. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from flows.lake.contracts import CONTRACTS
from flows.lake.forms import Form
from flows.lake.parts import version_sha256
from flows.lake.sources import SourceFile
from flows.warehouse.base import Warehouse
from flows.warehouse.ledger import LedgerRow, Version


@dataclass(frozen=True)
class PlannedFile:
    """A file of the source, its hash, and the ledger row of the version that is loaded now, if any.

    `fault` says why it cannot be read at all; then there is no hash. `profile_sha256` tells how it is to be read.
    """

    source: SourceFile
    sha256: str
    loaded: LedgerRow | None
    fault: str | None = None
    profile_sha256: str | None = None

    @property
    def version(self) -> Version:
        """What was delivered."""
        return Version(self.source.table, self.source.name, self.sha256)

    @property
    def is_unchanged(self) -> bool:
        """Whether exactly these bytes are loaded already, read as the profile of now says."""
        return self.loaded is not None and self.loaded.read_sha256 == self.read_sha256

    @property
    def read_sha256(self) -> str:
        """What names this reading of these bytes."""
        return version_sha256(self.sha256, self.profile_sha256)


@dataclass(frozen=True)
class Seen:
    """What was seen of a file: the hash of its bytes, or why it cannot be read."""

    sha256: str = ""
    fault: str | None = None


def plan_files(
    files: Sequence[SourceFile],
    warehouse: Warehouse,
    lost: Set[LedgerRow],
    forms: Mapping[str, Form],
    look: Callable[[Sequence[SourceFile]], Sequence[Seen]],
) -> list[PlannedFile]:
    """Have each file hashed and look it up; what the warehouse has lost counts as not loaded. `forms` are by table.

    A version of an object that the ledger knows, read as the profile of now says, is not looked at.
    """
    loaded = {(row.table_name, row.file_name): row for row in warehouse.read_ledger() if row not in lost}
    names = Counter(file.name for file in files)
    profiles = {table: form.sha256 for table, form in forms.items()}
    planned: dict[SourceFile, PlannedFile] = {}
    for file in files:
        row = loaded.get((file.table, file.name))
        if row and names[file.name] == 1 and _is_known(file, row, profiles.get(file.table)):
            planned[file] = PlannedFile(file, row.file_sha256, row)
    new = [file for file in files if file not in planned]
    for file, seen in zip(new, look(new), strict=True):
        planned[file] = _plan_file(file, seen, loaded.get((file.table, file.name)), names[file.name])
    return [replace(planned[file], profile_sha256=profiles.get(file.table)) for file in files]


def find_renamed_objects(planned: Sequence[PlannedFile]) -> list[LedgerRow]:
    """What the ledger is to say of bytes that are loaded, but come from another object, or version, than it has."""
    return [
        replace(file.loaded, object_sha256=file.source.object_sha256)
        for file in planned
        if file.loaded and file.is_unchanged and file.source.object_sha256 not in {None, file.loaded.object_sha256}
    ]


def find_lost(warehouse: Warehouse) -> set[LedgerRow]:
    """Ledger rows whose raw rows are not there: someone dropped, emptied or filled a raw table by hand.

    Tables are compared as a whole first; what cancels out within one is not looked for where counting is dear.
    """
    ledger = [row for row in warehouse.read_ledger() if row.table_name in CONTRACTS]
    expected = dict.fromkeys(CONTRACTS, 0)
    for row in ledger:
        expected[row.table_name] += row.rows_loaded
    counts = {table: warehouse.count_rows(CONTRACTS[table]) for table in warehouse.find_miscounted(expected)}
    return {
        row
        for row in ledger
        if row.table_name in counts and counts[row.table_name].get(row.file_name, 0) != row.rows_loaded
    }


def _is_known(file: SourceFile, row: LedgerRow, profile_sha256: str | None) -> bool:
    is_same_object = file.object_sha256 is not None and file.object_sha256 == row.object_sha256
    return is_same_object and row.profile_sha256 == profile_sha256


def _plan_file(file: SourceFile, seen: Seen, loaded: LedgerRow | None, same_name: int) -> PlannedFile:
    fault = seen.fault
    if same_name > 1:
        fault = f"{file.name}: {same_name} files have this name once it is made printable. Rename all but one."
    return PlannedFile(file, "" if fault else seen.sha256, loaded, fault)
