"""Bad records of one source file in → one Parquet file with their reasons, however many they are.

quarantine/<table>/<file>.<hashes>.parquet     _file, _file_sha256, _row, reason, raw
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from flows.lake.parts import Part, PartWriter, unfinished_name

QUARANTINE_SCHEMA = {
    "_file": pl.String(),
    "_file_sha256": pl.String(),
    "_row": pl.Int64(),
    "reason": pl.String(),
    "raw": pl.String(),
}
MAX_EXAMPLES = 5
_HELD_BYTES = 1 << 20  # so many are kept in memory before they are written

_ARROW = pl.DataFrame(schema=QUARANTINE_SCHEMA).to_arrow().schema
_ARROW_WITHOUT_HASH = _ARROW.remove(_ARROW.get_field_index("_file_sha256"))


class Quarantine:
    """The bad records of one file, taken in the order of the file.

    Their file carries the hash of the source, which is known last; so many records wait in a draft without it.
    """

    def __init__(self, folder: Path, file_name: str) -> None:
        self.name, self.path = file_name, folder / unfinished_name(file_name)
        self.reasons: Counter[str] = Counter()
        self.examples: list[str] = []
        self.lines_joined = 0  # of doubtful stretches, beside their first ones
        self._held: list[pl.DataFrame] = []
        self._draft = PartWriter(folder / unfinished_name(file_name, 0), _ARROW_WITHOUT_HASH)

    def add(self, bad: pl.DataFrame) -> None:
        """Take bad records: `_row`, `reason`, `raw`."""
        self._held.append(bad.select(pl.lit(self.name).alias("_file"), "_row", "reason", "raw"))
        if sum(frame.estimated_size() for frame in self._held) > _HELD_BYTES:
            self._draft.append(self._release())

    def finish(self, sha256: str) -> Part | None:
        """Write the file, flushed and read back but not yet under its name; None if there are no bad records."""
        final = PartWriter(self.path, _ARROW)
        last, draft = self._release(), self._draft.close()
        try:
            if draft is not None:
                with pq.ParquetFile(draft.path) as file:
                    for group in range(file.num_row_groups):
                        final.append(_with_hash(pl.DataFrame(file.read_row_group(group)), sha256))
            if last.height:
                final.append(_with_hash(last, sha256))
            part = final.close()
        except BaseException:
            final.discard()
            raise
        self.discard()
        return part

    def discard(self) -> None:
        """Leave no draft behind."""
        self._draft.discard()

    def _release(self) -> pl.DataFrame:
        bad = pl.concat(self._held) if self._held else pl.DataFrame()
        self._held = []
        if bad.height:
            self.reasons.update(count_reasons(bad["reason"]))
            doubtful = bad.filter(pl.col("reason") == "record:doubtful_lines")
            self.lines_joined += int(doubtful["raw"].str.count_matches("\n", literal=True).sum())
            first = bad["_row", "reason"].head(MAX_EXAMPLES - len(self.examples))
            self.examples += [f"record {row}: {reason}" for row, reason in first.rows()]
        return bad


def count_reasons(reasons: pl.Series) -> dict[str, int]:
    """How many records have each reason; a record with several counts in each. The most frequent first."""
    counted = reasons.str.split(";").explode(empty_as_null=True).value_counts(name="count")
    return most_frequent_first(dict(counted.select(counted.columns[0], "count").rows()))


def most_frequent_first(counts: Mapping[str, int]) -> dict[str, int]:
    """The same counts, the greatest first, equal ones by their names."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _with_hash(bad: pl.DataFrame, sha256: str) -> pl.DataFrame:
    return bad.select("_file", pl.lit(sha256).alias("_file_sha256"), "_row", "reason", "raw")
