"""What of SQL the stand-in knows, and what Redshift is documented to lack. Anything else is refused.

Pages: c_unsupported-postgresql-features, c_redshift-sql-implementated-differently, c_sql-functions-leader-node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sqlglot import exp

from tests.warehouse.redshift_standin import functions
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported

# Every kind of node that may stand in a query; what sqlglot makes of anything else is not trusted.
NODES = {
    *(
        "Alias",
        "All",
        "And",
        "Anonymous",
        "Any",
        "AtTimeZone",
        "Between",
        "BitwiseAnd",
        "BitwiseOr",
        "Boolean",
        "CTE",
        "Case",
    ),
    *(
        "Cast",
        "Column",
        "ColumnDef",
        "Cube",
        "CurrentDate",
        "CurrentSchema",
        "CurrentUser",
        "DPipe",
        "DataType",
        "DataTypeParam",
    ),
    *("Delete", "Distinct", "Div", "Dot", "EQ", "Escape", "Except", "Exists", "Extract", "From", "GT", "GTE", "Group"),
    *(
        "GroupingSets",
        "Having",
        "ILike",
        "Identifier",
        "If",
        "In",
        "Insert",
        "Intersect",
        "Interval",
        "Is",
        "Join",
        "LT",
        "LTE",
    ),
    *(
        "Like",
        "Limit",
        "Literal",
        "Merge",
        "Mod",
        "Mul",
        "NEQ",
        "Neg",
        "Not",
        "Null",
        "Offset",
        "Or",
        "Order",
        "Ordered",
    ),
    *(
        "Parameter",
        "Paren",
        "Qualify",
        "RegexpILike",
        "RegexpLike",
        "Rollup",
        "Schema",
        "Select",
        "SessionUser",
        "SimilarTo",
    ),
    *(
        "Star",
        "StrPosition",
        "Sub",
        "Subquery",
        "Substring",
        "Table",
        "TableAlias",
        "Trim",
        "Tuple",
        "Union",
        "Update",
        "Values",
    ),
    *(
        "Var",
        "When",
        "Whens",
        "Where",
        "Window",
        "WindowSpec",
        "With",
        "WithinGroup",
        "Add",
        "Literal",
        "CurrentDatabase",
    ),
}
# c_unsupported-postgresql-features and the pages of the statements
MISSING_NODES = {
    "Array": "arrays are",
    "Filter": "FILTER (WHERE ...) on an aggregate is",
    "Lateral": "LATERAL is",
    "OnConflict": "ON CONFLICT is",
    "Returning": "RETURNING is",
    "Lock": "SELECT ... FOR UPDATE is",
    "TableSample": "TABLESAMPLE is",
    "JSONExtract": "the operator -> is",
    "Collate": "COLLATE is",
    "Bracket": "subscripts of arrays are",
}
SYSTEM_NAME = re.compile(r"(pg_|svv_|svl_|svcs_|stv_|stl_|sys_)")


def check_nodes(tree: exp.Expression, allowed: Iterable[str]) -> None:
    """Refuse a tree that holds anything but these kinds of nodes."""
    for node in tree.walk():
        name = type(node).__name__
        if name in MISSING_NODES:
            raise unsupported(MISSING_NODES[name])
        if name not in allowed:
            raise beyond_standin(f"{name.upper()} ({node.sql()[:60]})")
        if isinstance(node, exp.Distinct) and node.args.get("on"):
            raise unsupported("SELECT DISTINCT ON is")
        for kind, check in CHECKS.items():
            if isinstance(node, kind):
                check(node)


def _check_select(select: exp.Select) -> None:
    for part in (
        "locks",
        "sample",
        "windows",
        "laterals",
        "connect",
        "into",
        "hint",
        "kind",
        "distribute",
        "sort",
        "cluster",
    ):
        if select.args.get(part):
            raise MISSING_SELECT.get(part, beyond_standin(f"{part.upper()} of a SELECT"))
    if select.args.get("qualify") and select.args.get("limit"):
        raise beyond_standin("QUALIFY and LIMIT in one SELECT")  # sqlglot would limit first


def _check_window(window: exp.Window) -> None:
    """r_WF_AVG and its like: "an explicit frame clause is required" with ORDER BY; DISTINCT is not supported."""
    call = window.this
    if not isinstance(call, exp.Anonymous) or call.name.lower() not in functions.AGGREGATE:
        return
    if window.args.get("order") and not window.args.get("spec"):
        raise SqlError("Aggregate window functions with an ORDER BY clause require a frame clause", "0A000")
    if any(isinstance(argument, exp.Distinct) for argument in call.expressions):
        raise unsupported("DISTINCT in a window function is")


def _check_table(table: exp.Table) -> None:
    function = table.this
    if isinstance(function, exp.Anonymous) and function.name.lower() not in functions.OF_ROWS:
        raise unsupported("a table function is")
    if table.args.get("ordinality"):
        raise unsupported("WITH ORDINALITY is")


def _check_values(values: exp.Values) -> None:
    if not isinstance(values.parent, exp.Insert):
        raise unsupported("a VALUES list as a table is")


MISSING_SELECT = {
    "locks": unsupported("SELECT ... FOR UPDATE is"),
    "laterals": unsupported("LATERAL is"),
    "windows": unsupported("the WINDOW clause is"),
}


CHECKS: dict[type[exp.Expression], Callable[..., None]] = {
    exp.Select: _check_select,
    exp.Window: _check_window,
    exp.Table: _check_table,
    exp.Values: _check_values,
}


def check_leader_node(tree: exp.Expression, *, is_stored: bool) -> None:
    """Functions of the leader node and user tables do not meet, nor do LISTAGG and its like and catalogues."""
    called = {call.name.lower() for call in tree.find_all(exp.Anonymous)}
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    reads_user_table = any(_is_user_table(table, ctes) for table in tables if not _is_target(table))
    if (reads_user_table or is_stored) and called & functions.LEADER_ONLY:
        names = ", ".join(sorted(called & functions.LEADER_ONLY))
        raise SqlError(
            f"Specified types or functions (one per INFO message) not supported on Redshift tables. ({names})", "0A000"
        )
    if not reads_user_table and called & functions.USER_TABLE_ONLY:
        raise SqlError(
            "One or more of the used functions must be applied on at least one user created tables. "
            "Examples of user table only functions are LISTAGG, MEDIAN, PERCENTILE_CONT, etc",
            "0A000",
        )


def _is_target(table: exp.Table) -> bool:
    """Whether an INSERT writes to it, perhaps with a list of columns."""
    holder = table.parent if isinstance(table.parent, exp.Schema) else table
    return isinstance(holder.parent, exp.Insert) and holder.arg_key == "this"


def reads_catalogue(tree: exp.Expression) -> bool:
    """Whether a query asks a system table or view."""
    return any(
        SYSTEM_NAME.match(table.name.lower()) or table.db == "information_schema" for table in tree.find_all(exp.Table)
    )


def _is_user_table(table: exp.Table, ctes: set[str]) -> bool:
    schema, name = table.db.lower(), table.name.lower()
    if schema:
        return schema not in {"pg_catalog", "information_schema"}
    return name not in ctes and not SYSTEM_NAME.match(name)
