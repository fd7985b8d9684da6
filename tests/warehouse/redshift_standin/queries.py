"""Queries and expressions: checked, and given the form in which PostgreSQL does what Redshift would."""

from __future__ import annotations

from sqlglot import exp

from tests.warehouse.redshift_standin import functions
from tests.warehouse.redshift_standin.column_types import map_type
from tests.warehouse.redshift_standin.constants import check_constants
from tests.warehouse.redshift_standin.known_sql import NODES, check_leader_node, check_nodes, reads_catalogue
from tests.warehouse.redshift_standin.names import fold_identifiers, shorten_texts
from tests.warehouse.redshift_standin.sql_error import SqlError

# c_unsupported-postgresql-features: the system columns of PostgreSQL
SYSTEM_COLUMNS = {"tableoid", "cmin", "xmin", "cmax", "xmax", "ctid"}


def translate_query(tree: exp.Expression, *, is_stored: bool = False) -> None:
    """Change a query or a statement that holds queries in its place; `is_stored` when its rows go into a table.

    Raises:
        SqlError: Redshift lacks something of it, or the stand-in does not know it.
    """
    check_nodes(tree, NODES)
    check_leader_node(tree, is_stored=is_stored or isinstance(tree, exp.Insert))
    check_constants(tree)
    fold_identifiers(tree)
    if reads_catalogue(tree):
        shorten_texts(tree)
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
