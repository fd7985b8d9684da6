"""SQL of a dbt file cut into tokens, with Jinja and comments kept apart: what a mutation may touch and what not.

Only the SQL is cut: Jinja blocks, comments and names of Jinja are one token each. But SQL that is handed to a macro as
text, `{{ cents_to_usd('price_cents - cost_cents') }}`, is SQL, and is given as a region of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHAPES = re.compile(
    r"""
      (?P<comment>\{\#.*?\#\}|--[^\n]*|/\*.*?\*/)
    | (?P<block>\{%.*?%\})
    | (?P<jinja>\{\{.*?\}\})
    | (?P<text>'(?:[^']|'')*')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<sign><>|<=|>=|!=|\|\||[-+*/<>=])
    | (?P<mark>[(),.;\[\]])
    """,
    re.DOTALL | re.VERBOSE,
)
TEXT_IN_JINJA = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
# what is handed to these is no SQL
NO_SQL = re.compile(
    r"\b(ref|source|var|env_var|config|raise_compiler_error|fullmatch|map|join|get|return_relation|get_relation"
    r"|earlier_state|generate_schema_name|quote|print|log)\s*\([^()]*$|\[[^\[\]]*$|[=!]=\s*$|\b(in|set \w+ =)\s*\(?$"
)
SQL_TEXT = re.compile(
    r"[a-z_]\w*\.\w+|\w+_(cents|usd|ratio|count|id|date|at|days)\b|\s[-+*<>=]+\s|^\s*\w+\(|\bselect\b"
)


@dataclass(frozen=True)
class Token:
    """A piece of SQL, `start` and `end` counted in the file; `depth` is the number of open parentheses before it."""

    kind: str
    value: str
    start: int
    end: int
    depth: int = 0

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.value.lower() in words


def cut(sql: str, offset: int = 0) -> list[Token]:
    """The tokens of `sql`, white space and comments left out; `offset` is where `sql` begins in its file."""
    tokens: list[Token] = []
    depth = 0
    for match in SHAPES.finditer(sql):
        kind, value = str(match.lastgroup), match.group()
        if kind == "comment":
            continue
        depth -= value == ")"
        tokens.append(Token(kind, value, match.start() + offset, match.end() + offset, depth))
        depth += value == "("
    return tokens


def regions(sql: str) -> Iterator[list[Token]]:
    """The file's own SQL first, then each piece of SQL that is handed to a macro as text."""
    tokens = cut(sql)
    yield tokens
    for token in tokens:
        if token.kind in ("jinja", "block"):
            yield from _handed_over(token)


def sql_of_call(token: Token) -> tuple[int, int] | None:
    """Where the one text lies that a macro call has for its argument: `{{ cents_to_usd('price_cents') }}`."""
    call = re.fullmatch(r"\{\{\s*\w+\('([^']*)'\)\s*\}\}", token.value)
    return (token.start + call.start(1), token.start + call.end(1)) if call else None


def _handed_over(token: Token) -> Iterator[list[Token]]:
    for match in TEXT_IN_JINJA.finditer(token.value):
        group = 1 if match.group(1) is not None else 2
        text, before = match.group(group), token.value[: match.start()]
        if SQL_TEXT.search(text) and not NO_SQL.search(before):
            yield cut(text, token.start + match.start(group))
