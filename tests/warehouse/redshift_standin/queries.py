"""Expressions and queries: refuse what Redshift lacks or the stand-in does not know, and give the rest PostgreSQL's form.

Pages: c_unsupported-postgresql-features, c_redshift-sql-implementated-differently, c_sql-functions-leader-node.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

from sqlglot import exp

from tests.warehouse.redshift_standin import functions
from tests.warehouse.redshift_standin.column_types import map_type
from tests.warehouse.redshift_standin.keywords import RESERVED
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
MAX_NAME_BYTES, POSTGRES_NAME_BYTES = 127, 63
SYSTEM_COLUMNS = {"tableoid", "cmin", "xmin", "cmax", "xmax", "ctid"}
UNQUOTED = re.compile(r"[^\W\d][\w$]*")


def translate_query(tree: exp.Expression, *, is_stored: bool = False) -> None:
    """Change a query or a statement that holds queries in its place; `is_stored` when its rows go into a table.

    Raises:
        SqlError: Redshift lacks something of it, or the stand-in does not know it.
    """
    check_nodes(tree, NODES)
    _check_leader_node(tree, is_stored=is_stored or isinstance(tree, exp.Insert))
    fold_identifiers(tree)
    for node in list(tree.find_all(exp.Select)):
        _name_columns(node)
    for kind in list(tree.find_all(exp.DataType)):
        map_type(kind, is_column=False)
    for node in list(tree.find_all(exp.Column)):
        _translate_pseudo_column(node)
    for call in list(tree.find_all(exp.Anonymous)):
        _translate_call(call)
    for extract in list(tree.find_all(exp.Extract)):
        _translate_extract(extract)


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


def fold_identifiers(tree: exp.Expression) -> None:
    """r_names: names are folded to lower case also within quotes; r_pg_keywords: a reserved word needs quotes."""
    for name in tree.find_all(exp.Identifier):
        text = name.name
        if not name.args.get("quoted"):
            if not UNQUOTED.fullmatch(text) or (text.lower() in RESERVED and not _is_free(name)):
                raise SqlError(f'syntax error at or near "{text}"')
        name.set("this", shorten_name(text.lower()))
        name.set("quoted", True)


def shorten_name(name: str) -> str:
    """r_names: up to 127 bytes. PostgreSQL has room for 63, so that the end of a longer name gives way to its hash."""
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise SqlError(f'identifier "{name}" is longer than {MAX_NAME_BYTES} bytes', "42622")  # unconfirmed
    if size <= POSTGRES_NAME_BYTES:
        return name
    start = name.encode()[: POSTGRES_NAME_BYTES - 9].decode(errors="ignore")
    return f"{start}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _is_free(name: exp.Identifier) -> bool:
    """Whether a reserved word may stand here: as a label after AS, and SYSDATE for itself."""
    is_label = isinstance(name.parent, exp.Alias) and name.arg_key == "alias"
    is_sysdate = name.name.lower() == "sysdate" and isinstance(name.parent, exp.Column) and not name.parent.table
    return is_label or is_sysdate


def _check_leader_node(tree: exp.Expression, *, is_stored: bool) -> None:
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


def _is_user_table(table: exp.Table, ctes: set[str]) -> bool:
    schema, name = table.db.lower(), table.name.lower()
    if schema:
        return schema not in {"pg_catalog", "information_schema"}
    return name not in ctes and not SYSTEM_NAME.match(name)


def _name_columns(select: exp.Select) -> None:
    """Name a column after its function before the function gets another name."""
    for column in list(select.expressions):
        inner = column.this if isinstance(column, exp.Window | exp.WithinGroup) else column
        if isinstance(inner, exp.Anonymous) and inner.name.lower() in {*functions.RENAMED, "listagg", "median", "nvl2"}:
            column.replace(exp.alias_(column.copy(), inner.name.lower(), quoted=True))


def _translate_pseudo_column(column: exp.Column) -> None:
    if column.name in SYSTEM_COLUMNS:
        raise SqlError(f'column "{column.name}" does not exist', "42703")
    if column.name == "sysdate" and not column.table:
        column.replace(exp.Anonymous(this="getdate"))


def _translate_extract(extract: exp.Extract) -> None:
    """r_EXTRACT_function: a whole number, not PostgreSQL's NUMERIC."""
    whole = exp.cast(exp.Anonymous(this="trunc", expressions=[extract.copy()]), "bigint")
    is_column = isinstance(extract.parent, exp.Select) and extract.arg_key == "expressions"
    extract.replace(exp.alias_(whole, "date_part", quoted=True) if is_column else whole)


def _translate_call(call: exp.Anonymous) -> None:
    name = call.name.lower()
    if name not in functions.KNOWN:
        # PostgreSQL's words for a function that is not there
        raise SqlError(f"function {name}() does not exist, or the Redshift stand-in does not know it", "42883")
    if name in functions.TAKES_DATE_PART:
        _quote_date_part(call)
    if name == "listagg":
        _translate_listagg(call)
    elif name == "median":
        _translate_median(call)
    elif name == "nvl2":
        value, present, missing = call.expressions
        call.replace(exp.Case(ifs=[exp.If(this=value.is_(exp.null()).not_(), true=present)], default=missing))
    else:
        call.set("this", functions.RENAMED.get(name, name))


def _quote_date_part(call: exp.Anonymous) -> None:
    part = call.expressions[0] if call.expressions else None
    name = part.name.lower() if isinstance(part, exp.Column | exp.Literal | exp.Var) else ""
    if name not in functions.DATE_PARTS:
        raise SqlError(f'date part "{name}" is not known', "22023")  # unconfirmed
    call.expressions[0].replace(exp.Literal.string(functions.DATE_PARTS[name]))


def _translate_listagg(call: exp.Anonymous) -> None:
    """r_LISTAGG: no delimiter means none; WITHIN GROUP gives the order."""
    arguments = call.expressions
    is_distinct = isinstance(arguments[0], exp.Distinct)
    value, *rest = arguments[0].expressions if is_distinct else arguments
    text = exp.cast(value.copy(), "varchar")
    inner: exp.Expression = exp.Distinct(expressions=[text]) if is_distinct else text
    delimiter = rest[0].copy() if rest else exp.Literal.string("")
    within = call.parent if isinstance(call.parent, exp.WithinGroup) else None
    order = within.expression.sql(dialect="postgres") if within else ""
    if is_distinct and within:
        ordered = within.expression.expressions[0]
        order = f" ORDER BY {text.sql(dialect='postgres')}" + (" DESC" if ordered.args.get("desc") else "")
    sql = f"{inner.sql(dialect='postgres')}, {delimiter.sql(dialect='postgres')}{order}"
    (within or call).replace(exp.Anonymous(this="string_agg", expressions=[exp.Var(this=sql)]))


def _translate_median(call: exp.Anonymous) -> None:
    order = exp.Order(expressions=[exp.Ordered(this=call.expressions[0].copy())])
    median = exp.Anonymous(this="percentile_cont", expressions=[exp.Literal.number("0.5")])
    call.replace(exp.WithinGroup(this=median, expression=order))
