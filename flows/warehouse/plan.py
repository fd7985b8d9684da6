"""What is to be done with each delivered file: its hash, and what the ledger and the raw tables say of it.

Files of a source and a prepared warehouse in, one planned file each out. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from flows.lake.contracts import CONTRACTS
from flows.lake.reading import hash_file
from flows.lake.sources import SourceFile, describe_read_error, find_fault
from flows.warehouse.base import LedgerRow, Version, Warehouse


@dataclass(frozen=True)
class PlannedFile:
    """A file of the source, its hash, and the ledger row of the version that is loaded now, if any.

    `fault` says why it cannot be read at all; then there is no hash.
    """

    source: SourceFile
    sha256: str
    loaded: LedgerRow | None
    fault: str | None = None

    @property
    def version(self) -> Version:
        """What was delivered."""
        return Version(self.source.table, self.source.name, self.sha256)

    @property
    def is_unchanged(self) -> bool:
        """Whether exactly these bytes are loaded already."""
        return self.loaded is not None and self.loaded.file_sha256 == self.sha256


def plan_files(files: Sequence[SourceFile], warehouse: Warehouse, lost: Set[LedgerRow]) -> list[PlannedFile]:
    """Hash each file and look it up; what the warehouse has lost counts as not loaded."""
    loaded = {(row.table_name, row.file_name): row for row in warehouse.read_ledger() if row not in lost}
    names = Counter(file.name for file in files)
    return [_plan_file(file, loaded.get((file.table, file.name)), names[file.name]) for file in files]


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


def _plan_file(file: SourceFile, loaded: LedgerRow | None, same_name: int) -> PlannedFile:
    fault = find_fault(file.path)
    if same_name > 1:
        fault = f"{file.name}: {same_name} files have this name once it is made printable. Rename all but one."
    if fault is None:
        try:
            return PlannedFile(file, hash_file(file.path), loaded)
        except OSError as error:
            fault = describe_read_error(file.path, error)
    return PlannedFile(file, "", loaded, fault)
