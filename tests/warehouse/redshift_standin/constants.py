"""Columns that are the same in every row because a query wrote them so: Redshift takes them only in some types.

Not in the guide, but in reports of users: a text or NULL that is written without a cast stays of the type "unknown" in
the query around it, which can neither cast, compare nor sort it (fleetio/dbt-segment #16, OHDSI/SqlRender #66). And a
column that is known to be constant is refused in PARTITION BY; one that a function gives is not, and a cast to a
VARCHAR of some length is one (dbt-labs/dbt-adapters #1856, fivetran/dbt_zendesk #210).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from tests.warehouse.redshift_standin.sql_error import SqlError

_ALWAYS_THE_SAME = (exp.Literal, exp.Null, exp.Boolean, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Paren, exp.Neg)

_NEEDS_A_TYPE = (
    *(exp.Cast, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Like, exp.DPipe),
    *(exp.Anonymous, exp.Group, exp.Ordered, exp.Window),
)


def check_constants(tree: exp.Expression) -> None:
    """Refuse constants without a type in a query within a query, and windows over constants."""
    for query in _outermost_queries(tree):
        for scope in traverse_scope(query):
            _check_types(scope)
            _check_windows(scope)


def _outermost_queries(tree: exp.Expression) -> Iterator[exp.Query]:
    for query in tree.find_all(exp.Query):
        if query.find_ancestor(exp.Query) is None:
            yield query


def _check_types(scope: Scope) -> None:
    """Columns may be handed on without a type, also by a UNION, but nothing may be done with them."""
    is_distinct = bool(scope.expression.args.get("distinct"))
    ordered = [order.this for order in scope.find_all(exp.Ordered) if isinstance(order.this, exp.Column)]
    for column in (*scope.columns, *ordered):
        user = column.parent
        while isinstance(user, exp.Paren | exp.Alias):
            user = user.parent
        is_counted = isinstance(user, exp.Anonymous) and user.name.lower() == "count"
        is_used = isinstance(user, _NEEDS_A_TYPE) and not is_counted
        if (is_used or (is_distinct and isinstance(user, exp.Select))) and _find(scope, column, _lacks_type):
            raise SqlError(
                f'failed to find conversion function from "unknown" to character varying ({column.name})', "XX000"
            )


def _check_windows(scope: Scope) -> None:
    for window in scope.find_all(exp.Window):
        for part in window.args.get("partition_by") or []:
            written = part.unnest()
            is_column = isinstance(written, exp.Column)
            if _find(scope, written, _is_written_out) if is_column else _is_written_out(written):
                raise SqlError("constant expressions are not supported in partition by clauses", "0A000")


def _find(scope: Scope, column: exp.Column, is_meant: Callable[[exp.Expression], bool]) -> bool:
    """Whether what an inner query has for a column of this one is meant."""
    sources = [source for _, source in scope.selected_sources.values()]
    if column.table:
        sources = [scope.sources[column.table]] if column.table in scope.sources else []
    return any(isinstance(source, Scope) and _has(source, column.name, is_meant) for source in sources)


def _has(scope: Scope, name: str, is_meant: Callable[[exp.Expression], bool]) -> bool:
    """The branches of a UNION decide upon a type together, and their rows differ."""
    if not isinstance(scope.expression, exp.Select):
        return False
    for column in scope.expression.expressions:
        if column.is_star and _find(scope, exp.column(name), is_meant):
            return True
        if column.alias_or_name.lower() == name.lower():
            written = column.unalias().unnest()
            return _find(scope, written, is_meant) if isinstance(written, exp.Column) else is_meant(written)
    return False


def _lacks_type(written: exp.Expression) -> bool:
    return isinstance(written, exp.Null) or (isinstance(written, exp.Literal) and written.is_string)


def _is_written_out(written: exp.Expression) -> bool:
    """Whether an expression is a constant as it stands; a cast to a type of some length is a function of it."""
    has_length = isinstance(written, exp.Cast) and bool(written.to.expressions)
    return not has_length and all(isinstance(node, _ALWAYS_THE_SAME) for node in written.walk())
