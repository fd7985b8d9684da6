"""The proof of a build, kept in the warehouse beside what it proves (docs/adr/0010).

The gate, one row that dbt writes before the first mart, says which build the marts come from. `ops.build_ledger` says
whether that build passed as a whole. Both warehouses ask the same SQL, each through its own connection.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flows.warehouse.ddl import quote
from flows.warehouse.ledger import LedgerRow

Query = Callable[[str], list[Any]]
GATE = "int_build_gate"
BUILD_COLUMNS = {
    "build_id": "varchar(64)",
    "run_id": "varchar(64)",
    "ledger_sha256": "varchar(64)",
    "project_sha256": "varchar(64)",
    "as_of": "date",
    "passed": "boolean",
    "findings": "varchar(65535)",
    "built_at": "timestamp",
}


@dataclass(frozen=True)
class Gate:
    """The build that the marts come from: dbt's invocation, a hash of what was loaded, the day it was drawn up for."""

    build_id: str
    ledger_sha256: str
    as_of: date | None


@dataclass(frozen=True)
class Build:
    """A row of ops.build_ledger; `built_at` is naive UTC.

    `findings` holds the `counts` and `amounts_usd` of the tests that only warn, how many `tests` passed, how old the
    sources were (`freshness`), and the `totals` of the ledger, also by `tables`. `run_id` and `project_sha256` are None
    for a `dbt build` by hand.
    """

    build_id: str
    run_id: str | None
    ledger_sha256: str
    project_sha256: str | None
    as_of: date | None
    passed: bool
    findings: Mapping[str, Any]
    built_at: datetime

    @property
    def values(self) -> tuple[Any, ...]:
        """What stands in the columns BUILD_COLUMNS."""
        row = {name: getattr(self, name) for name in BUILD_COLUMNS}
        return tuple((row | {"findings": json.dumps(self.findings, sort_keys=True)}).values())


def build_table(prefix: str = "") -> str:
    """The quoted name of the build ledger; `prefix` is that of every schema."""
    return f"{quote(prefix + 'ops')}.{quote('build_ledger')}"


def read_gate(query: Query, prefix: str = "") -> Gate | None:
    """The gate, or None where nothing was ever built."""
    if not _exists(query, f"{prefix}intermediate", GATE):
        return None
    rows = query(f"select build_id, ledger_sha256, as_of_date from {_gate_table(prefix)}")  # noqa: S608
    return Gate(*rows[0]) if len(rows) == 1 else None


def read_build(query: Query, prefix: str = "") -> Build | None:
    """The passed build whose id the gate holds, or None: then the marts are untested, or not there."""
    if not (_exists(query, f"{prefix}intermediate", GATE) and _exists(query, f"{prefix}ops", "build_ledger")):
        return None
    columns = ", ".join(f"builds.{quote(name)}" for name in BUILD_COLUMNS)
    rows = query(
        f"select {columns} from {build_table(prefix)} as builds "  # noqa: S608
        f"join {_gate_table(prefix)} as gate on gate.build_id = builds.build_id "
        "where builds.passed order by builds.built_at desc"
    )
    return _build_of(rows[0]) if rows else None


def ledger_sha256(rows: Iterable[LedgerRow]) -> str:
    """A hash of what is loaded, and since when; its twin, the macro ledger_sha256 in dbt/macros, says why so."""
    hashes = sorted(_sha256(_name_version(row)) for row in rows)
    groups = (hashes[start : start + 500] for start in range(0, len(hashes), 500))
    return _sha256("".join(sorted(_sha256("".join(group)) for group in groups)))


def ledger_totals(rows: Iterable[LedgerRow]) -> dict[str, int]:
    """How many files and records are loaded, as a build remembers it in `findings`."""
    known = list(rows)
    counted = ("rows_in", "rows_loaded", "rows_quarantined")
    return {"files": len(known)} | {name: sum(getattr(row, name) for row in known) for name in counted}


def ledger_tables(rows: Iterable[LedgerRow]) -> dict[str, dict[str, Any]]:
    """The same for each table, by name, with the moment of its newest load, UTC."""
    groups: dict[str, list[LedgerRow]] = defaultdict(list)
    for row in rows:
        groups[row.table_name].append(row)
    return {
        name: ledger_totals(group) | {"last_loaded_at": max(row.loaded_at for row in group).isoformat()}
        for name, group in sorted(groups.items())
    }


def _name_version(row: LedgerRow) -> str:
    how = f"|{row.profile_sha256}" if row.profile_sha256 else ""
    return f"{row.table_name}|{row.file_sha256}|{row.file_name}|{row.delivery_order}{how}"


def _build_of(row: Iterable[Any]) -> Build:
    values = dict(zip(BUILD_COLUMNS, row, strict=True))
    return Build(**values | {"findings": json.loads(values["findings"])})


def _gate_table(prefix: str) -> str:
    return f"{quote(prefix + 'intermediate')}.{quote(GATE)}"


def _exists(query: Query, schema: str, table: str) -> bool:
    found = query(
        f"select 1 from information_schema.tables where table_schema = '{schema}' and table_name = '{table}'"  # noqa: S608
    )
    return bool(found)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
