"""Statements that change or drop objects: ALTER, DROP, TRUNCATE.

Pages: r_ALTER_TABLE, r_DROP_TABLE, r_TRUNCATE.
"""

from __future__ import annotations

from sqlglot import exp

from tests.warehouse.redshift_standin.column_types import map_type
from tests.warehouse.redshift_standin.dialect import Backend
from tests.warehouse.redshift_standin.names import fold_identifiers
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported
from tests.warehouse.redshift_standin.tables import translate_constraints

PHYSICAL_ACTIONS = (exp.AlterDistStyle, exp.AlterSortKey)


def translate_alter(alter: exp.Alter) -> str:
    """PostgreSQL's statement for an ALTER TABLE; distribution and sort keys change nothing here."""
    actions = alter.args.get("actions") or []
    if alter.args.get("kind") != "TABLE" or len(actions) != 1:
        raise beyond_standin(f"{alter.sql()[:60]}")
    action = actions[0]
    if isinstance(action, PHYSICAL_ACTIONS):
        fold_identifiers(alter)
        return f"analyze {alter.this.sql(Backend)}"
    if isinstance(action, exp.ColumnDef):
        translate_constraints(action)
        map_type(action.kind, is_column=True)
    elif isinstance(action, exp.AlterColumn):
        _check_new_type(action)
    elif isinstance(action, exp.Drop):
        if action.args.get("kind") != "COLUMN":
            raise beyond_standin(f"{action.sql()}")
    elif not isinstance(action, exp.AlterRename | exp.RenameColumn):
        raise beyond_standin(f"{alter.sql()[:60]}")
    fold_identifiers(alter)
    return alter.sql(Backend)


def is_column_type_change(alter: exp.Alter) -> bool:
    """r_ALTER_TABLE: ALTER COLUMN ... TYPE cannot run inside a transaction block."""
    return any(isinstance(action, exp.AlterColumn) for action in alter.args.get("actions") or [])


def _check_new_type(action: exp.AlterColumn) -> None:
    """r_ALTER_TABLE: only the size of a VARCHAR column can be altered."""
    kind = action.args.get("dtype")
    if kind is None:
        raise unsupported("ALTER COLUMN other than TYPE is")
    if kind.this not in {exp.DataType.Type.VARCHAR, exp.DataType.Type.NVARCHAR, exp.DataType.Type.TEXT}:
        raise SqlError("ALTER COLUMN TYPE is only supported for VARCHAR columns", "0A000")  # unconfirmed
    map_type(kind, is_column=True)
    action.set("using", exp.Anonymous(this="standin.only_varchar", expressions=[action.this.copy()]))


def translate_drop(drop: exp.Drop) -> str:
    if drop.args.get("kind") not in {"TABLE", "VIEW", "SCHEMA"} or drop.args.get("materialized"):
        raise beyond_standin(f"{drop.sql()[:60]}")
    fold_identifiers(drop)
    return drop.sql(Backend)


def translate_truncate(truncate: exp.TruncateTable) -> str:
    """r_TRUNCATE: one table, nothing else."""
    tables = truncate.expressions
    if len(tables) != 1 or {name for name, value in truncate.args.items() if value} != {"expressions"}:
        raise SqlError("syntax error: TRUNCATE takes one table and nothing else")  # unconfirmed
    fold_identifiers(truncate)
    return f"truncate table {tables[0].sql(Backend)}"
