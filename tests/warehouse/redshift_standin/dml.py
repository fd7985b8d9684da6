"""INSERT, UPDATE, DELETE and MERGE. Pages: r_INSERT_30, r_UPDATE, r_DELETE, r_MERGE."""

from __future__ import annotations

from sqlglot import ErrorLevel, exp

from tests.warehouse.redshift_standin.dialect import Backend
from tests.warehouse.redshift_standin.queries import translate_query
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported

PARTS = {
    exp.Insert: {"this", "expression", "with_", "default"},
    exp.Update: {"this", "expressions", "from_", "where", "with_"},
    exp.Delete: {"this", "using", "where", "with_"},
    exp.Merge: {"this", "using", "on", "whens", "with_"},
}
MISSING_PARTS = {"conflict": "ON CONFLICT is", "returning": "RETURNING is"}


def find_written(statement: exp.Expression) -> str:
    """The quoted name of the table that a translated statement writes rows to; empty for one that writes none."""
    if not isinstance(statement, tuple(PARTS)):
        return ""
    table = statement.this.find(exp.Table)
    return ".".join(part.sql(Backend) for part in table.parts) if table else ""


def translate_insert(insert: exp.Insert) -> str:
    return _translate(insert)


def translate_update(update: exp.Update) -> str:
    return _translate(update)


def translate_delete(delete: exp.Delete) -> str:
    return _translate(delete)


def translate_merge(merge: exp.Merge) -> str:
    """r_MERGE: WHEN MATCHED and WHEN NOT MATCHED, once each, without further conditions; no alias, no subquery."""
    if merge.this.alias:
        raise unsupported("an alias of the target of a MERGE is")
    if not isinstance(merge.args["using"], exp.Table):
        raise unsupported("a subquery as the source of a MERGE is")
    whens = merge.args["whens"].expressions
    if any(when.args.get("condition") for when in whens):
        raise unsupported("WHEN ... AND in a MERGE is")
    if sorted(bool(when.args.get("matched")) for when in whens) != [False, True]:
        raise SqlError("MERGE needs one WHEN MATCHED and one WHEN NOT MATCHED clause")  # unconfirmed
    if any(when.args.get("source") for when in whens):
        raise unsupported("WHEN NOT MATCHED BY SOURCE is")
    return _translate(merge)


def _translate(statement: exp.Expression) -> str:
    for name in {name for name, value in statement.args.items() if value} - PARTS[type(statement)]:
        if name in MISSING_PARTS:
            raise unsupported(MISSING_PARTS[name])
        raise beyond_standin(f"{name} of {type(statement).__name__.upper()}")
    translate_query(statement)
    return statement.sql(Backend, unsupported_level=ErrorLevel.RAISE)
