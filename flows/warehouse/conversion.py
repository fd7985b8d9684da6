"""Who converts: files that are planned in, a conversion of each or why it is refused out, in their order.

A converter looks at files that are new, and converts them in tasks: one a large file, one several small ones. Here are
the threads of this machine; `redshift/remote.py` has those of others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.hashing import hash_file
from flows.lake.several import AT_A_TIME, find_size, for_each_file, split_batches
from flows.lake.sources import SourceFile, describe_read_error, fetch_nothing, find_fault
from flows.lake.terms import DEFAULT_TERMS, Terms
from flows.warehouse.plan import PlannedFile, Seen

T = TypeVar("T")
Tell = Callable[[str], object]
Converted = Conversion | DataError


class Step(Protocol):
    """Runs one named step and returns what it returns."""

    def __call__(self, name: str, function: Callable[[], T], /) -> T:
        """Run `function` as the step `name`."""


@dataclass(frozen=True)
class Order:
    """How files are to be read, and the folder that what becomes of them is written into; `forms` are by table."""

    work_dir: Path
    terms: Terms = DEFAULT_TERMS
    forms: Mapping[str, Form] = field(default_factory=dict)

    def form(self, table: str) -> Form:
        """How the files of a table are written."""
        return self.forms.get(table, SHIPPED_FORM)


class Converter(Protocol):
    """What an ingest has its files looked at and converted by."""

    def look(self, files: Sequence[SourceFile], tell: Tell) -> list[Seen]:
        """The hash of each file, or why it cannot be read; `tell` hears how far it is.

        Raises:
            RetailError: files cannot be brought here.
        """

    def convert(self, files: Sequence[PlannedFile], order: Order, step: Step) -> Generator[Converted, None, None]:
        """What became of each file, in their order; an error is returned, not raised, where the file is refused.

        Raises:
            LoadError: the disk, S3 or whoever converts failed.
        """


@dataclass(frozen=True)
class Threads:
    """Converts in this process, files on this disk; `fetch` brings those that are not there yet."""

    fetch: Callable[[Sequence[SourceFile], Tell], None] = fetch_nothing

    def look(self, files: Sequence[SourceFile], tell: Tell) -> list[Seen]:
        self.fetch(files, tell)
        with ThreadPoolExecutor(AT_A_TIME) as workers:
            return list(workers.map(_look, files))

    def convert(self, files: Sequence[PlannedFile], order: Order, step: Step) -> Generator[Converted, None, None]:
        convert = partial(_convert, order=order)
        for batch in list_batches(files, lambda file: find_size(file.source.path)):
            yield from step(name_batch(batch), partial(for_each_file, convert, batch, lambda file: file.source.path))


def list_batches(files: Sequence[PlannedFile], size_of: Callable[[PlannedFile], int]) -> list[list[PlannedFile]]:
    """The files of each task."""
    return list(split_batches(files, lambda file: file.source.table, size_of))


def name_batch(batch: Sequence[PlannedFile]) -> str:
    """What people read of a task."""
    first = batch[0].source
    return f"convert {first.name}" if len(batch) == 1 else f"convert {first.table}: {len(batch)} files"


def _look(file: SourceFile) -> Seen:
    if fault := find_fault(file.path, file.name):
        return Seen(fault=fault)
    try:
        return Seen(hash_file(file.path))
    except OSError as error:
        return Seen(fault=describe_read_error(file.path, error, file.name))


def _convert(file: PlannedFile, order: Order) -> Converted:
    source = file.source
    try:
        return convert_csv(
            source.path,
            CONTRACTS[source.table],
            order.work_dir,
            sha256=file.sha256,
            terms=order.terms,
            form=order.form(source.table),
            name=source.name,
        )
    except DataError as error:
        return error
