"""GRANT and REVOKE, to users, groups and roles, which are all roles in PostgreSQL. Pages: r_GRANT, r_REVOKE."""

from __future__ import annotations

import re

from sqlglot.tokens import Token, TokenType

from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin
from tests.warehouse.redshift_standin.words import join_names, list_words, quote_name

PRIVILEGES = {
    *("select", "insert", "update", "delete", "references", "truncate", "usage", "create", "temporary", "temp"),
    *("all", "privileges", ","),
}
OBJECTS = ("all tables in schema", "table", "schema", "database")


def translate_privileges(verb: str, tokens: list[Token]) -> str:
    """PostgreSQL's statement for what follows GRANT or REVOKE."""
    words = list_words(tokens)
    preposition = "to" if verb == "grant" else "from"
    if words[:1] == ["role"] and len(words) == 4 and words[2] == preposition:  # grant role r to u
        return f"{verb} {join_names(tokens[1:2])} {preposition} {join_names(tokens[3:])}"
    if "on" not in words or preposition not in words:
        raise beyond_standin(f"{verb.upper()} without ON and {preposition.upper()}")
    on, at = words.index("on"), words.index(preposition)
    if unknown := [word for word in words[:on] if word not in PRIVILEGES]:
        raise beyond_standin(f"{verb.upper()} {unknown[0].upper()}")
    privileges = " ".join(words[:on])
    return f"{verb} {privileges} on {_object(tokens[on + 1 : at])} {preposition} {_grantees(tokens[at + 1 :])}"


def _object(tokens: list[Token]) -> str:
    text = " ".join(list_words(tokens))
    for kind in OBJECTS:
        if text.startswith(f"{kind} ") and tokens[0].token_type != TokenType.IDENTIFIER:
            return f"{kind} {join_names(tokens[len(kind.split()) :])}"
    return join_names(tokens)


def _grantees(tokens: list[Token]) -> str:
    """Names after GROUP, ROLE or nothing, and PUBLIC; IAM's users keep their prefix as it is."""
    grantees = []
    for word, token in zip(list_words(tokens), tokens, strict=True):
        is_quoted = token.token_type == TokenType.IDENTIFIER
        if word == "," and not is_quoted:
            continue
        if word in {"group", "role"} and not is_quoted:
            continue
        if word in {"with", "cascade", "restrict"} and not is_quoted:
            raise beyond_standin(f"{word.upper()} at the end of a GRANT or REVOKE")
        name = re.sub('^"iamr?:', lambda prefix: prefix[0].upper(), quote_name(token.text))
        grantees.append("public" if word == "public" and not is_quoted else name)
    if not grantees:
        raise SqlError("syntax error at end of input")
    return ", ".join(grantees)
