"""What a raw table must hold of each file that is loaded, told by the lake's typed parts and asked of the warehouse.

Rows of the lake in, and the rows of one query; a difference is an error that names the file and the column. A value
that a COPY or a cast changed on the way can so never be committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.warehouse.ddl import quote, sql_type
from flows.warehouse.redshift.dialect import base_type

Kind = Literal["sum", "least", "greatest", "true", "present"]
SQL: dict[Kind, str] = {
    "sum": "coalesce(sum({0}), 0)",
    "least": "min({0})",
    "greatest": "max({0})",
    "true": "sum(case when {0} then 1 else 0 end)",
    "present": "count({0})",
}
WORDS: dict[Kind, str] = {
    "sum": "sum of {0}",
    "least": "least {0}",
    "greatest": "greatest {0}",
    "true": "rows with a true {0}",
    "present": "rows with a {0}",
}


@dataclass(frozen=True)
class Measure:
    """One figure of one column."""

    column: str
    kind: Kind

    @property
    def sql(self) -> str:
        return SQL[self.kind].format(quote(self.column))

    @property
    def words(self) -> str:
        return WORDS[self.kind].format(self.column)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.column}"

    def of_rows(self, dtype: pl.DataType) -> pl.Expr:
        """The figure of some rows; sums are of a type that no sum of a table is too large for."""
        column = pl.col(self.column)
        if self.kind == "sum":
            return column.cast(pl.Decimal(38, dtype.scale) if isinstance(dtype, pl.Decimal) else pl.Int128).sum()
        return {"least": column.min(), "greatest": column.max(), "true": column.sum(), "present": column.count()}[
            self.kind
        ]

    def of_parts(self) -> pl.Expr:
        """The figure of a file from those of its pieces."""
        column = pl.col(self.name)
        return {"least": column.min(), "greatest": column.max()}.get(self.kind, column.sum())


class Values:
    """The figures of each file of one load; empty at first."""

    def __init__(self, contract: Contract) -> None:
        self.contract, self.measures = contract, list(_list_measures(contract))
        self._pieces: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows of the lake in, with the types that the contract says."""
        figures = [measure.of_rows(rows.schema[measure.column]).alias(measure.name) for measure in self.measures]
        self._pieces.append(rows.group_by("_file").agg(pl.len().cast(pl.Int64).alias("rows"), *figures))

    def add_figures(self, figures: pl.DataFrame) -> None:
        """Count in what others have counted: `figures` of theirs."""
        self._pieces.append(figures)

    @property
    def figures(self) -> pl.DataFrame:
        """A row a file: `_file`, its rows, its figures; there must be files."""
        figures = [measure.of_parts() for measure in self.measures]
        return pl.concat(self._pieces).group_by("_file").agg(pl.col("rows").sum(), *figures).sort("_file")

    def query(self, table: str) -> str:
        """SQL for file, rows and figures of one load in `table`; its parameter is the moment of the load."""
        figures = "".join(f", {measure.sql}" for measure in self.measures)
        return f"select _file, count(*){figures} from {table} where _loaded_at = %s group by _file"  # noqa: S608

    def check(self, found: Iterable[Sequence[Any]]) -> None:
        """Compare with what the query found.

        Raises:
            LoadError: names the files, the columns, what the parts hold and what is stored.
        """
        stored = {row[0]: row[1:] for row in found}
        wrong = list(self._compare(stored))
        if wrong:
            more = [f"  and {len(wrong) - 5} more"] if len(wrong) > 5 else []  # noqa: PLR2004
            raise LoadError(
                "\n".join(
                    [
                        f"raw.{self.contract.table}: nothing was loaded, for Redshift stored other values than the "
                        "parts hold.",
                        *wrong[:5],
                        *more,
                        "  The last good state stands. Running again will not help; please report this with these "
                        "lines and the version of the warehouse (select version()).",
                    ]
                )
            )

    def _compare(self, stored: Mapping[str, Sequence[Any]]) -> Iterator[str]:
        for name, *expected in self._totals():
            for words, wanted, came in zip(
                ("rows", *(measure.words for measure in self.measures)),
                expected,
                stored.get(name, [None] * len(expected)),
                strict=True,
            ):
                if wanted != came:
                    yield f"  - {name}: {words}: the parts hold {wanted}, the table {came}"

    def _totals(self) -> list[tuple[Any, ...]]:
        return self.figures.rows() if self._pieces else []


def _list_measures(contract: Contract) -> Iterator[Measure]:
    kinds: dict[str, tuple[Kind, ...]] = {
        "bigint": ("sum",),
        "decimal": ("sum",),
        "timestamp": ("least", "greatest"),
        "boolean": ("true",),
    }
    for name, column in contract.columns.items():
        yield from (Measure(name, kind) for kind in kinds.get(base_type(sql_type(column)), ()))
        if column.nullable:
            yield Measure(name, "present")
