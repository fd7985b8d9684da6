"""The tokens of a command as words, and names among them."""

from __future__ import annotations

from sqlglot.tokens import Token, TokenType

from tests.warehouse.redshift_standin.names import shorten_name
from tests.warehouse.redshift_standin.sql_error import SqlError

NO_NAMES = {TokenType.STRING, TokenType.NUMBER, TokenType.L_PAREN, TokenType.R_PAREN}


def list_words(tokens: list[Token]) -> list[str]:
    """In small letters; a text, which is no word, is two quotes."""
    return ["''" if token.token_type == TokenType.STRING else token.text.lower() for token in tokens]


def join_names(tokens: list[Token]) -> str:
    """Names with their dots and commas, folded and quoted."""
    parts = []
    for token in tokens:
        if token.token_type in NO_NAMES:
            raise SqlError(f'syntax error at or near "{token.text}"')
        is_mark = token.text in {".", ","} and token.token_type != TokenType.IDENTIFIER
        parts.append(token.text if is_mark else quote_name(token.text))
    if not parts:
        raise SqlError("syntax error at end of input")
    return "".join(parts)


def quote_name(text: str) -> str:
    return '"' + shorten_name(text.lower()).replace('"', '""') + '"'
