"""One CSV file → Parquet parts of good records and one quarantine file of the others; every record is in one of them.

out_dir/lake/<table>/<file>.<hashes>.<part>.parquet     the contract's columns, then _file, _file_sha256, _row
out_dir/quarantine/<table>/<file>.<hashes>.parquet      _file, _file_sha256, _row, reason, raw
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from flows.errors import DataError
from flows.lake.contracts import Contract
from flows.lake.parts import Part, part_name, write_part
from flows.lake.reading import BLOCK_BYTES, Block, CsvReader, hash_file
from flows.lake.records import find_merged_record, join_records, judge_structure, parse_records, split_records
from flows.lake.sources import printable
from flows.lake.values import cast_values, explain

LINEAGE = {"_file": pl.String(), "_file_sha256": pl.String(), "_row": pl.Int64()}
QUARANTINE_SCHEMA = {**LINEAGE, "reason": pl.String(), "raw": pl.String()}
MAX_EXAMPLES = 5
MAX_NAME_SHOWN = 40


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

    @property
    def quarantined_ratio(self) -> float:
        """Share of the records that were set aside, 0 to 1."""
        return self.rows_quarantined / self.rows_in if self.rows_in else 0.0


def convert_csv(
    path: Path | str,
    contract: Contract,
    out_dir: Path | str,
    *,
    sha256: str | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Conversion:
    """Convert one CSV file (plain or gzip, UTF-8) by its contract; see the module for what is written where.

    `sha256` is the hash of the file if it is known already; a file whose bytes have another one is refused.

    Raises:
        DataError: the file as a whole cannot be trusted (header, encoding, structure, count); nothing of it stays.
        LoadError: the output cannot be written.
    """
    path, out_dir = Path(path), Path(out_dir)
    try:
        converter = _Converter(path, sha256 or hash_file(path), contract, out_dir)
        return converter.run(CsvReader(path, block_bytes))
    except OSError as error:
        raise DataError(
            f"{path.name}: cannot be read ({error.strerror or error}). Check the file and its rights."
        ) from error


def check_header(name: str, header: Sequence[str], contract: Contract) -> None:
    """Raise DataError unless the header has exactly the contract's columns, in any order."""
    expected = list(contract.columns)
    if sorted(header) == sorted(expected):
        return
    faults = []
    for title, names in (
        ("missing", [column for column in expected if column not in header]),
        ("unknown", [column for column in header if column not in expected]),
        ("twice", [column for column, count in Counter(header).items() if count > 1]),
    ):
        if names:
            faults.append(f"{title}: {', '.join(_short(column) for column in names[:MAX_EXAMPLES])}")
    raise DataError(
        f"{name}: the header is not that of {contract.table} ({'; '.join(faults)}). "
        f"Expected: {','.join(expected)}. Deliver the file with these columns."
    )


def count_reasons(reasons: pl.Series) -> dict[str, int]:
    """How many records have each reason; a record with several counts in each. The most frequent first."""
    counts = Counter(reason for joined in reasons for reason in joined.split(";"))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _short(text: str) -> str:
    """A name from a file, fit for a message: printable and not long."""
    return repr(text if len(text) <= MAX_NAME_SHOWN else text[:MAX_NAME_SHOWN] + "…")


class _Converter:
    """The state of one conversion: what was written so far."""

    def __init__(self, path: Path, sha256: str, contract: Contract, out_dir: Path) -> None:
        self.path, self.sha256, self.contract = path, sha256, contract
        self.name = printable(path.name)
        self.lake = out_dir / "lake" / contract.table
        self.quarantine = out_dir / "quarantine" / contract.table
        self.parts: list[Part] = []
        self.bad: list[pl.DataFrame] = []

    def run(self, reader: CsvReader) -> Conversion:
        try:
            for block in reader.blocks():
                check_header(self.name, reader.header, self.contract)
                self._convert_block(block, reader.header)
            check_header(self.name, reader.header, self.contract)  # a file without records has a header too
            return self._conclude(reader)
        except BaseException:
            for part in self.parts:
                part.path.unlink(missing_ok=True)
            raise

    def _convert_block(self, block: Block, header: list[str]) -> None:
        records = split_records(block)
        codes = judge_structure(records, len(header), has_quotes=block.has_quotes)
        self._refuse_merged_records(block, records, codes)
        rows = pl.int_range(block.first_row, block.first_row + len(block), dtype=pl.Int64, eager=True)
        frame = pl.DataFrame({"_row": rows, "raw": records, "code": codes})
        if codes.null_count() < len(codes):
            misshapen = frame.filter(pl.col("code").is_not_null())
            self._set_aside(misshapen.with_columns(reason="record:" + pl.col("code")))
            frame = frame.filter(pl.col("code").is_null())
        data = block.data if frame.height == len(block) else join_records(frame["raw"])
        text = parse_records(data, frame.height, header, has_quotes=block.has_quotes)
        self._convert_values(frame, text)

    def _convert_values(self, frame: pl.DataFrame, text: pl.DataFrame) -> None:
        typed, good = cast_values(text, self.contract)
        if not good.all():
            reason = explain(text.filter(~good), self.contract)
            self._set_aside(frame.filter(~good).with_columns(reason=reason))
            typed, frame = typed.filter(good), frame.filter(good)
        if typed.height:
            name = part_name(self.name, self.sha256, len(self.parts))
            self.parts.append(write_part(typed.with_columns(self._lineage(frame["_row"])), self.lake / name))

    def _lineage(self, rows: pl.Series) -> list[pl.Series | pl.Expr]:
        return [pl.lit(self.name).alias("_file"), pl.lit(self.sha256).alias("_file_sha256"), rows.alias("_row")]

    def _set_aside(self, frame: pl.DataFrame) -> None:
        self.bad.append(frame.with_columns(self._lineage(frame["_row"])).select(*QUARANTINE_SCHEMA))

    def _refuse_merged_records(self, block: Block, records: pl.Series, codes: pl.Series) -> None:
        index = find_merged_record(records, codes)
        if index is not None:
            raise DataError(
                f"{self.name}: record {block.first_row + index} spans several lines and its quotes do not match, "
                "so where it ends cannot be proven. Correct the quotes there and deliver the file again."
            )

    def _conclude(self, reader: CsvReader) -> Conversion:
        if reader.sha256 != self.sha256:
            raise DataError(f"{self.name}: changed while it was read. Run again when it is complete.")
        bad = pl.concat(self.bad) if self.bad else pl.DataFrame(schema=QUARANTINE_SCHEMA)
        bad = bad.sort("_row")
        quarantine = None
        if bad.height:
            quarantine = write_part(bad, self.quarantine / part_name(self.name, self.sha256))
        return self._balance(reader.rows_in, quarantine, bad)

    def _balance(self, rows_in: int, quarantine: Part | None, bad: pl.DataFrame) -> Conversion:
        loaded = sum(int(pq.read_metadata(part.path).num_rows) for part in self.parts)
        quarantined = int(pq.read_metadata(quarantine.path).num_rows) if quarantine else 0
        if rows_in != loaded + quarantined:
            raise DataError(
                f"{self.name}: {rows_in} records were counted, but {loaded} converted and {quarantined} set aside. "
                "Please report this file: the converter must never lose a record."
            )
        return Conversion(
            table=self.contract.table,
            file_name=self.name,
            file_sha256=self.sha256,
            rows_in=rows_in,
            rows_loaded=loaded,
            rows_quarantined=quarantined,
            parts=tuple(self.parts),
            quarantine=quarantine,
            reasons=count_reasons(bad["reason"]),
            examples=tuple(
                f"record {row}: {reason}" for row, reason in bad["_row", "reason"].head(MAX_EXAMPLES).rows()
            ),
        )
