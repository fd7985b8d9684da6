"""One CSV file → Parquet parts of good records and one quarantine file of the others; every record is in one of them.

out_dir/lake/<table>/<file>.<hashes>.<part>.parquet     the contract's columns, then _file, _row
out_dir/quarantine/<table>/<file>.<hashes>.parquet      _file, _file_sha256, _row, reason, raw
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from flows.errors import DataError
from flows.lake.contract_versions import contract_sha256
from flows.lake.contracts import Contract
from flows.lake.forms import SHIPPED_FORM, Form, adapt
from flows.lake.gathering import Gathering, Written
from flows.lake.headers import check_header, find_extra, quoted, shorten
from flows.lake.packs import Pack
from flows.lake.parts import Part, keep_only, part_name, stem, version_sha256
from flows.lake.quarantine import most_frequent_first
from flows.lake.reading import BLOCK_BYTES, Block, CsvReader
from flows.lake.reasons import describe_reason
from flows.lake.sources import printable
from flows.lake.terms import DEFAULT_TERMS, Terms

WORKERS = 3  # of which, on two processors, one may wait for another


@dataclass(frozen=True)
class Conversion:
    """What became of one file. `rows_in` is counted from the bytes, the others from the files that were written."""

    table: str
    file_name: str
    file_sha256: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    parts: tuple[Part, ...] = ()
    quarantine: Part | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    found: dict[str, str] = field(default_factory=dict)  # reason → a value that it was given for
    asked: dict[str, str] = field(default_factory=dict)  # reason → what was asked for, of those with a value
    lines_joined: int = 0  # of doubtful stretches, beside their first ones
    extra_columns: tuple[str, ...] = ()  # that no contract knows; they were left out
    profile_sha256: str | None = None  # of the form in which it was read, if not in the shipped one
    contract_sha256: str | None = None
    object_sha256: str | None = None  # of the object in S3 that the file came from
    pack: Pack | None = None  # instead of parts: its records lie packed in S3 already, maybe with those of others

    @property
    def read_sha256(self) -> str:
        """What names this reading of these bytes."""
        return version_sha256(self.file_sha256, self.profile_sha256)

    @property
    def quarantined_ratio(self) -> float:
        """Share of the file that was set aside, 0 to 1: doubtful lines count one by one, headers that repeat do not."""
        headers = self.reasons.get("record:repeated_header", 0)
        bad, all_in = (rows - headers + self.lines_joined for rows in (self.rows_quarantined, self.rows_in))
        return bad / all_in if all_in else 0.0


def convert_csv(  # noqa: PLR0913  three that matter; the others have defaults
    path: Path | str,
    contract: Contract,
    out_dir: Path | str,
    *,
    sha256: str | None = None,
    terms: Terms = DEFAULT_TERMS,
    form: Form = SHIPPED_FORM,
    block_bytes: int = BLOCK_BYTES,
    name: str | None = None,
) -> Conversion:
    """Convert one CSV file (plain or gzip, UTF-8) by its contract; see the module for what is written where.

    `sha256` is the hash of the file if it is known already; a file whose bytes have another one is refused. `terms`
    say which currency its amounts have, and what becomes of columns that the contract does not know. `form` says how
    the file is written, if not in the contract's own way. `name` is what identifies it, if not the name of its path.

    Raises:
        DataError: the file as a whole cannot be trusted (header, encoding, structure, count, currency); nothing of it
            stays.
        LoadError: the output cannot be written.
    """
    path, out_dir = Path(path), Path(out_dir)
    label = printable(path.name) if name is None else name
    reader = CsvReader(path, block_bytes, form.dialect, name=name or "")
    try:
        return _Converter(label, contract, out_dir, terms, form).run(reader, sha256)
    except OSError as error:
        raise DataError(
            f"{label}: cannot be read ({error.strerror or error}). Check the file and its rights."
        ) from error


class _Converter:
    """One conversion: blocks are converted side by side and gathered in the order of the file."""

    def __init__(self, name: str, contract: Contract, out_dir: Path, terms: Terms, form: Form) -> None:
        self.name, self.contract, self.terms, self.form = name, adapt(contract, form), terms, form
        self.contract_sha256 = contract_sha256(contract)
        self.gathered = Gathering(name, self.contract, out_dir, terms, form)
        self.bad: Part | None = None

    def run(self, reader: CsvReader, sha256: str | None) -> Conversion:
        try:
            self._convert_blocks(reader)
            self._check_header(reader)  # a file without records has a header too
            self._check_hash(reader, sha256)
            self._check_currency()
            self.bad = self.gathered.quarantine.finish(reader.sha256)
            self._check_balance(reader.rows_in)
            return self._publish(reader)
        except BaseException:
            self.gathered.quarantine.discard()
            for part in self._written():
                part.path.unlink(missing_ok=True)
            raise

    def _convert_blocks(self, reader: CsvReader) -> None:
        gathered = self.gathered
        if reader.path.stat().st_size <= reader.block_bytes:  # a small file is not worth the threads
            for block in self._checked(reader):
                gathered.take(gathered.convert(block, reader.header, puts_off=False), reader.header)
            return
        with ThreadPoolExecutor(WORKERS) as workers:
            running: deque[Future[Written]] = deque()
            try:
                for block in self._checked(reader):
                    if len(running) == WORKERS:  # read ahead by one block, so that memory does not grow with the file
                        gathered.take(running.popleft().result(), reader.header)
                    running.append(workers.submit(gathered.convert, block, reader.header, puts_off=True))
                while running:
                    gathered.take(running.popleft().result(), reader.header)
                gathered.examine_held(reader.header)
            except BaseException:
                self._abandon(running)
                raise

    def _checked(self, reader: CsvReader) -> Iterator[Block]:
        try:
            for block in reader.blocks():
                if not block.number:
                    self._check_header(reader)
                yield block
        except DataError:
            if reader.header:
                self._check_header(reader)  # what is wrong with records may come from a wrong header
            raise

    def _abandon(self, running: deque[Future[Written]]) -> None:
        """Wait for what has begun, so that no part appears after the others were removed."""
        for future in running:
            future.cancel()
        for future in running:
            if not future.cancelled() and future.exception() is None:
                self.gathered.keep(future.result().part)

    def _check_header(self, reader: CsvReader) -> None:
        self.form.check_header(self.name, reader.header, self.contract)
        columns = self.form.list_columns(reader.header)
        allow = self.terms.allow_extra_columns
        check_header(self.name, columns, self.contract, allow_extra=allow, by_profile=self.form is not SHIPPED_FORM)

    def _check_currency(self) -> None:
        """Refuse amounts of another currency; only now, so that what is wrong with the file itself is said first."""
        if self.gathered.foreign is None:
            return
        row, column, found = self.gathered.foreign
        raise DataError(
            f"{self.name}: {column} is {quoted(found)} in record {row}, but all amounts are in "
            f"{self.terms.currency}. If that is wrong, set RETAIL_CURRENCY; else take files of other currencies out "
            "of this source and run them on their own, with a work folder or warehouse of their own."
        )

    def _check_hash(self, reader: CsvReader, sha256: str | None) -> None:
        if sha256 not in (None, reader.sha256):
            raise DataError(f"{self.name}: the file changed while it was read. Run again when it is complete.")

    def _check_balance(self, rows_in: int) -> None:
        """Compare the records counted in the bytes with the rows read back from the files that were written."""
        loaded, quarantined = self._rows_loaded(), self._rows_quarantined()
        if rows_in != loaded + quarantined:
            raise DataError(
                f"{self.name}: {rows_in} records were counted, but {loaded} converted and {quarantined} set aside. "
                "Please report this file: the converter must never lose a record."
            )

    def _publish(self, reader: CsvReader) -> Conversion:
        version = version_sha256(reader.sha256, self.form.sha256)
        extra = find_extra(self.form.list_columns(reader.header), self.contract)
        for number, part in enumerate(self.gathered.parts):
            self.gathered.parts[number] = part.publish(self.gathered.lake / part_name(self.name, version, number))
        keep_only(self.gathered.parts, self.gathered.lake, stem(self.name, version))
        if self.bad is not None:
            self.bad = self.bad.publish(self.gathered.quarantine.path.parent / part_name(self.name, version))
        return Conversion(
            table=self.contract.table,
            file_name=self.name,
            file_sha256=reader.sha256,
            rows_in=reader.rows_in,
            rows_loaded=self._rows_loaded(),
            rows_quarantined=self._rows_quarantined(),
            parts=tuple(self.gathered.parts),
            quarantine=self.bad,
            reasons=most_frequent_first(self.gathered.quarantine.reasons),
            examples=tuple(self.gathered.quarantine.examples),
            found=self.gathered.found,
            asked={reason: describe_reason(self.contract, reason) for reason in self.gathered.found},
            lines_joined=self.gathered.quarantine.lines_joined,
            extra_columns=tuple(map(shorten, extra)),
            profile_sha256=self.form.sha256,
            contract_sha256=self.contract_sha256,
        )

    def _written(self) -> list[Part]:
        return [*self.gathered.parts, *([self.bad] if self.bad else [])]

    def _rows_loaded(self) -> int:
        return sum(part.rows for part in self.gathered.parts)

    def _rows_quarantined(self) -> int:
        return self.bad.rows if self.bad else 0
