"""DECLARE, FETCH and CLOSE: a result that is read in slices. Pages: declare, fetch, close."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot.tokens import Token

from tests.warehouse.redshift_standin.sql_error import SqlError
from tests.warehouse.redshift_standin.words import join_names, list_words

WORDS_OF_A_CURSOR = ("declare", "fetch", "close")
# declare, "Cursor constraints": one at a time in a session; words unconfirmed
SECOND_CURSOR = "only one cursor can be open at a time in a session"


def translate_cursor(sql: str, tokens: list[Token], translate_query: Callable[[str], str]) -> str:
    """PostgreSQL's statement for one of the three.

    Raises:
        SqlError: it has what Redshift's syntax has not, such as SCROLL, WITH HOLD or BACKWARD.
    """
    words = list_words(tokens)
    if words[0] == "declare":
        if words[2:4] != ["cursor", "for"] or len(tokens) < 5:
            raise SqlError(f'syntax error at or near "{(*words, "", "", "")[2]}"')
        query = translate_query(sql[tokens[4].start - tokens[0].start :])
        return f"declare {join_names(tokens[1:2])} no scroll cursor for {query}"
    if words[0] == "close":
        return f"close {join_names(tokens[1:])}"
    how = words[1:-2]
    is_known = how in ([], ["next"], ["all"], ["forward"], ["forward", "all"])
    is_count = len(how) == 2 and how[0] == "forward" and how[1].isdigit()
    if words[-2:-1] != ["from"] or not (is_known or is_count):
        raise SqlError(f'syntax error at or near "{(*how, words[0])[0]}"')
    return f"fetch {' '.join(how)} from {join_names(tokens[-1:])}"
