"""SQL as Redshift takes it in, PostgreSQL's statements out. What is not known is refused: nothing passes as it came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from tests.warehouse.redshift_standin import changes, commands
from tests.warehouse.redshift_standin.copy_command import Copy, parse_copy
from tests.warehouse.redshift_standin.copying import copy_from_stdin
from tests.warehouse.redshift_standin.cursors import WORDS_OF_A_CURSOR, translate_cursor
from tests.warehouse.redshift_standin.dialect import Backend, Redshift
from tests.warehouse.redshift_standin.dml import (
    find_written,
    translate_delete,
    translate_insert,
    translate_merge,
    translate_update,
)
from tests.warehouse.redshift_standin.queries import translate_query
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported
from tests.warehouse.redshift_standin.tables import translate_create
from tests.warehouse.redshift_standin.unload_command import Unload, parse_unload
from tests.warehouse.redshift_standin.unloading import IN_ITS_PLACE


@dataclass(frozen=True)
class Statement:
    """One statement: as the client sent it, as PostgreSQL gets it, and its kind, e.g. `truncate`.

    `written` is the quoted name of the table that it writes rows to, if it does.
    """

    sql: str
    postgres: str
    kind: str
    copy: Copy | None = None
    unload: Unload | None = None
    is_barred_from_transactions: bool = False
    account: tuple[str, str] | None = None
    written: str = ""


def _translate_select(query: exp.Expression) -> str:
    translate_query(query)
    return query.sql(Backend, unsupported_level=ErrorLevel.RAISE)


TREES: dict[type[exp.Expression], Callable[..., str]] = {
    exp.Select: _translate_select,
    exp.SetOperation: _translate_select,
    exp.Subquery: _translate_select,
    exp.Insert: translate_insert,
    exp.Update: translate_update,
    exp.Delete: translate_delete,
    exp.Merge: translate_merge,
    exp.Create: translate_create,
    exp.Alter: changes.translate_alter,
    exp.Drop: changes.translate_drop,
    exp.TruncateTable: changes.translate_truncate,
}
MAX_STATEMENT_BYTES = 16 << 20
# sqlglot makes them DOUBLE PRECISION and TEXT, which Redshift knows
TYPES_OF_OTHERS = {(TokenType.DOUBLE, "double"), (TokenType.TEXT, "string")}
# A text between dollar signs; what precedes it in the pattern is stepped over, for a dollar sign in it means nothing.
DOLLAR_QUOTED = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"[^"]*"|--[^\n]*|/\*.*?\*/|(?<![\w$])\$(?P<tag>[^\W\d]\w*|)\$(?P<text>.*?)\$(?P=tag)\$""",
    re.DOTALL,
)
FIRST_WORDS_OF_TREES = {
    *("select", "with", "(", "insert", "update", "delete", "merge", "create", "alter", "drop", "truncate"),
}


def translate(sql: str) -> list[Statement]:
    """The statements of a text, in order.

    Raises:
        SqlError: one of them is not Redshift's, or beyond the stand-in.
    """
    size = len(sql.encode())
    if size > MAX_STATEMENT_BYTES:
        # c_redshift-sql: "The maximum size for a single Amazon Redshift SQL statement is 16 MB"; words unconfirmed
        raise SqlError(
            f"Statement is too large. Statement Size: {size} bytes. Maximum Allowed: {MAX_STATEMENT_BYTES} bytes",
            "54000",
        )
    try:
        sql = DOLLAR_QUOTED.sub(_quote_plainly, sql)
        return [_translate_one(sql[tokens[0].start : tokens[-1].end + 1], tokens) for tokens in _split(sql)]
    except SqlglotError as error:
        raise SqlError(f"syntax error: {str(error).splitlines()[0]}") from error
    except SqlError:
        raise
    except Exception as error:  # an error of the stand-in itself must not let the statement through
        raise beyond_standin(f"this statement ({error!r})") from error


def _quote_plainly(match: re.Match[str]) -> str:
    text = match["text"]
    return match[0] if text is None else "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _split(sql: str) -> Iterator[list[Token]]:
    tokens: list[Token] = []
    for token in Redshift().tokenize(sql):
        if token.token_type == TokenType.SEMICOLON:
            if tokens:
                yield tokens
            tokens = []
        elif (token.token_type, token.text.lower()) in TYPES_OF_OTHERS:
            raise unsupported(f"the data type {token.text} is")
        else:
            tokens.append(token)
    if tokens:
        yield tokens


def _translate_one(sql: str, tokens: list[Token]) -> Statement:
    first = tokens[0].text.lower()
    if first == "copy":
        copy = parse_copy(tokens)
        return Statement(sql, copy_from_stdin(copy), "copy", copy, written=copy.table)
    if first == "unload":
        unload = parse_unload(tokens, lambda text: _translate_tree(text, "select").postgres)
        return Statement(sql, IN_ITS_PLACE, first, unload=unload)
    if command := commands.find_command(tokens):
        return Statement(
            sql,
            command.postgres,
            first,
            is_barred_from_transactions=command.is_barred_from_transactions,
            account=command.account,
        )
    if first in WORDS_OF_A_CURSOR:
        return Statement(
            sql, translate_cursor(sql, tokens, lambda text: _translate_tree(text, "select").postgres), first
        )
    if first not in FIRST_WORDS_OF_TREES:
        raise commands.refusal(first)
    return _translate_tree(sql, first)


def _translate_tree(sql: str, first: str) -> Statement:
    tree = sqlglot.parse_one(sql, read=Redshift)
    for kind, function in TREES.items():
        if isinstance(tree, kind):
            is_barred = isinstance(tree, exp.Alter) and changes.is_column_type_change(tree)
            postgres = function(tree)
            return Statement(sql, postgres, first, is_barred_from_transactions=is_barred, written=find_written(tree))
    raise beyond_standin(sql[:60])
