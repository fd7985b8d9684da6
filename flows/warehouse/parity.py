"""Two databases, one answer: whether each relation has the same columns, types, rows and values in both.

Rows are read once, as they come, and added up by hash, so that neither order nor size matters. Only where the sums
differ are they read again, to say how many rows differ and name a few by their first column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from flows.warehouse.ddl import quote
from flows.warehouse.tables import BUILDS, list_tables

EXAMPLES = 5
CHUNK_ROWS = 10_000
FETCH_ROWS = 1000  # at once from a cursor of Redshift: the most that a cluster of one node gives (AWS: "FETCH")
# what differs between two loads of the same files, rightly; so do the dates of files that have none in their name
OF_THE_RUN = {"run_id", "loaded_at", "delivered_at", "delivery_order", "replaced_at"}
OF_THE_FILE = {"delivery_date", "valid_from_date"}
# in what dbt makes: the days on which undated files came, and what belongs to the build
OF_THE_BUILD = frozenset(
    ("delivery_date", "last_delivered_date", "delivery_order", "loaded_at", "touch_number", "build_id", "built_at")
)
DATED = "'.*(19|20|21)[0-9][0-9][-_]?[0-9][0-9].*'"
FIRST_DELIVERY = "date '1900-01-01'"


@dataclass(frozen=True)
class Relation:
    """A table, a view or a query. `columns`, in SQL, is None for all of them; `name` is what people call it."""

    name: str
    schema: str | None = None
    table: str | None = None
    columns: Sequence[str] | None = None
    sql: str | None = None

    @property
    def is_built(self) -> bool:
        """Whether dbt makes it."""
        return self.columns is None and self.sql is None

    def query(self, prefix: str) -> str:
        """The SQL that reads it; `prefix` is that of every schema."""
        if self.sql:
            return self.sql
        columns = ", ".join(self.columns) if self.columns else "*"
        return f"select {columns} from {quote(f'{prefix}{self.schema}')}.{quote(str(self.table))}"  # noqa: S608


@dataclass(frozen=True)
class Side:
    """One of the two databases; `queries` are the KPIs' SQL as compiled for it."""

    label: str
    engine: Engine
    prefix: str = ""
    queries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """How a relation compares: `difference` is None if it is the same on both sides."""

    name: str
    rows: int
    difference: str | None = None


def raw_relations(contracts: Any) -> list[Relation]:
    """The tables that an ingest fills, without what belongs to the run that loaded them."""
    tables = sorted(list_tables(contracts), key=lambda table: table.schema, reverse=True)
    tables.remove(BUILDS)
    return [
        Relation(f"{table.schema}.{table.name}", table.schema, table.name, shared_columns(table.columns))
        for table in tables
    ]


def shared_columns(columns: Iterable[str]) -> list[str]:
    """Those columns, in SQL, that are equal in two warehouses into which the same files came at other times."""
    return [_shared(name) for name in columns if name.removeprefix("_") not in OF_THE_RUN]


def _shared(column: str) -> str:
    name = quote(column)
    if column.removeprefix("_") not in OF_THE_FILE:
        return name
    file = quote("_file" if column.startswith("_") else "file_name")
    return f"case when {file} ~ {DATED} or {name} = {FIRST_DELIVERY} then {name} end as {name}"


def compare(left: Side, right: Side, relations: Sequence[Relation]) -> Iterator[Finding]:
    """Compare relation by relation, and then KPI by KPI; a finding each, as soon as it is known."""
    for relation in relations:
        without = OF_THE_BUILD if relation.is_built else frozenset()
        readings = (_Reading(side.label, side.engine, relation.query(side.prefix), without) for side in (left, right))
        yield _compare(relation.name, *readings)
    for name in sorted(left.queries | right.queries):
        if name in left.queries and name in right.queries:
            yield _compare(f"KPI {name}", *(_Reading(s.label, s.engine, s.queries[name]) for s in (left, right)))
        else:
            yield Finding(f"KPI {name}", 0, f"only {(left if name in left.queries else right).label} has it")


@dataclass(frozen=True)
class _Reading:
    """One query of one side, read without some columns."""

    label: str
    engine: Engine
    sql: str
    without: frozenset[str] = frozenset()

    def chunks(self) -> Iterator[tuple[list[str], list[tuple[Any, ...]]]]:
        """Columns and some rows, until there are no more; at least once."""
        for names, rows in self._read():
            kept = [number for number, name in enumerate(names) if name not in self.without]
            yield [names[number] for number in kept], [tuple(row[number] for number in kept) for row in rows]

    def _read(self) -> Iterator[tuple[list[str], Sequence[Any]]]:
        """From Redshift through a cursor, for its driver holds a whole result in memory (AWS: "DECLARE")."""
        with self.engine.connect() as connection:
            if self.engine.dialect.name != "redshift":
                result = connection.exec_driver_sql(self.sql)
                for rows in iter(lambda: result.fetchmany(CHUNK_ROWS), []):
                    yield list(result.keys()), rows
                yield list(result.keys()), []
                return
            connection.exec_driver_sql(f"declare reading cursor for {self.sql}")
            is_more = True
            while is_more:
                result = connection.exec_driver_sql(f"fetch forward {FETCH_ROWS} from reading")
                rows = result.fetchall()
                yield list(result.keys()), rows
                is_more = len(rows) == FETCH_ROWS

    def count(self) -> Counter[int]:
        """How often each row, by its hash, occurs."""
        return Counter(_hash(row) for _, rows in self.chunks() for row in rows)


def _compare(name: str, left: _Reading, right: _Reading) -> Finding:
    try:
        first, second = _sum_up(left), _sum_up(right)
    except SQLAlchemyError as error:
        return Finding(name, 0, f"cannot be read: {' '.join(str(error.__cause__ or error).split())[:300]}")
    if first.columns != second.columns:
        told = [f"{side.label} has {', '.join(s.columns)}" for side, s in ((left, first), (right, second))]
        return Finding(name, first.rows, "other columns: " + "; ".join(told))
    if (first.rows, first.total) == (second.rows, second.total):
        return Finding(name, first.rows)
    return Finding(name, first.rows, _describe(left, right))


@dataclass
class _Sum:
    columns: list[str]
    rows: int = 0
    total: int = 0


def _sum_up(reading: _Reading) -> _Sum:
    summed = _Sum([])
    for columns, rows in reading.chunks():
        summed.columns = columns
        summed.rows += len(rows)
        summed.total = (summed.total + sum(map(_hash, rows))) % (1 << 128)
    return summed


def _hash(row: tuple[Any, ...]) -> int:
    """Of the values and their types: 1, 1.0, Decimal("1") and Decimal("1.00") are four different things."""
    return int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())


def _describe(left: _Reading, right: _Reading) -> str:
    ours, theirs = left.count(), right.count()
    told = []
    for reading, extra in ((left, ours - theirs), (right, theirs - ours)):
        if extra:
            told.append(f"{extra.total():,} rows only in {reading.label}, e.g. {_examples(reading, extra)}")
    return "; ".join(told)


def _examples(reading: _Reading, wanted: Counter[int]) -> str:
    """The first column of a few of the rows, never a whole one: it may hold a customer's data."""
    found: list[str] = []
    for columns, rows in reading.chunks():
        found += [f"{columns[0]} {row[0]!r}" for row in rows if _hash(row) in wanted]
        if len(found) >= EXAMPLES:
            break
    return ", ".join(found[:EXAMPLES])
