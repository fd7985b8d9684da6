"""What dbt has made in a DuckDB file, so that two ways to the same rows can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

# of the build, not of the shop: two ways to the same rows may differ in them
OF_THE_BUILD = ("touch_number",)
NOTES = ("int_touched_orders", "int_build_gate")
LAYERS = ("staging", "intermediate", "data_mart")

State = dict[str, list[tuple[Any, ...]]]


def read_state(database: Path, without: Iterable[str] = ()) -> State:
    """Every relation that dbt makes → its rows, sorted, without what belongs to the build alone and these columns."""
    left_out = {*OF_THE_BUILD, *without}
    with duckdb.connect(str(database)) as connection:
        relations = connection.execute(
            "select table_schema, table_name, list(column_name order by ordinal_position) "
            f"from information_schema.columns where table_schema in {LAYERS} group by all order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(
                f"select {', '.join(c for c in columns if c not in left_out)} from {schema}.{name} order by all"
            ).fetchall()
            for schema, name, columns in relations
            if name not in NOTES
        }


def find_differences(found: State, expected: State) -> dict[str, tuple[list[Any], list[Any]]]:
    """The relations that differ, with a few rows that only one side has."""
    return {
        name: (
            [row for row in found.get(name, []) if row not in expected.get(name, [])][:3],
            [row for row in expected.get(name, []) if row not in found.get(name, [])][:3],
        )
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    }


def assert_equal_states(found: State, expected: State) -> None:
    """Name the relations that differ, with a few rows of each side."""
    assert find_differences(found, expected) == {}
