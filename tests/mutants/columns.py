"""Wrong columns: each column of a select list replaced by the next of its kind, each flag by its opposite."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.mutants.lexer import Token, sql_of_call

Edit = tuple[str, int, int, str]

KINDS = ("_id", "_cents", "_usd", "_ratio", "_count", "_days", "_number", "_name", "_type", "_date", "_at", "_order")
FLAGS = ("is_", "has_")


@dataclass(frozen=True)
class Column:
    """A select item that is a plain column or one macro over one: where its source stands, and its name outside."""

    source: str
    start: int
    end: int
    name: str
    macro: str = ""
    has_alias: bool = True

    @property
    def kind(self) -> str:
        source = self.source.rpartition(".")[2]
        if source.startswith(FLAGS):
            return "is_"
        return next((self.macro + kind for kind in KINDS if source.endswith(kind)), "")


def exchange_columns(tokens: list[Token]) -> Iterator[Edit]:
    """`store_id` → `customer_id as store_id`, `cents_to_usd('price_cents')` → `cents_to_usd('cost_cents')`."""
    for select in _select_lists(tokens):
        by_kind: dict[str, list[Column]] = defaultdict(list)
        for column in _columns(select):
            by_kind[column.kind].append(column)
        for kind, columns in by_kind.items():
            for column, other in zip(columns, [*columns[1:], columns[0]], strict=True):
                if kind and other.source != column.source:
                    alias = "" if column.has_alias else f" as {column.name}"
                    yield "column", column.start, column.end, other.source + alias


def negate_flags(tokens: list[Token]) -> Iterator[Edit]:
    """`is_perishable` → `not is_perishable`, in select lists and where a condition is no more than the flag."""
    for select in _select_lists(tokens):
        for column in _columns(select):
            if column.kind == "is_":
                alias = "" if column.has_alias else f" as {column.name}"
                yield "flag", column.start, column.end, f"not {column.source}{alias}"
    for before, token in pairwise(tokens):
        is_flag = token.kind == "word" and token.value.rpartition(".")[2].startswith(FLAGS)
        if is_flag and before.is_word("when", "and", "or"):
            yield "flag", token.start, token.end, f"not {token.value}"


def _select_lists(tokens: list[Token]) -> Iterator[list[list[Token]]]:
    """The items of each select list, from `select` to its `from`, or to the end."""
    for position, token in enumerate(tokens):
        if not token.is_word("select"):
            continue
        items: list[list[Token]] = [[]]
        for each in tokens[position + 1 :]:
            if each.depth < token.depth or (each.depth == token.depth and each.is_word("from", "union")):
                break
            if each.depth == token.depth and each.value == ",":
                items.append([])
            elif each.kind != "block":
                items[-1].append(each)
        yield items


def _columns(items: list[list[Token]]) -> Iterator[Column]:
    for item in items:
        column = _column(item)
        if column:
            yield column


def _column(item: list[Token]) -> Column | None:
    """The item as a column, or nothing if it is an expression."""
    has_alias = len(item) == 3 and item[1].is_word("as")
    if not item or not (has_alias or len(item) == 1):
        return None
    first, name = item[0], item[-1].value
    if first.kind == "word":
        return Column(first.value, first.start, first.end, name.rpartition(".")[2], has_alias=has_alias)
    place = sql_of_call(first) if first.kind == "jinja" and has_alias else None
    if not place:
        return None
    start, end = place[0] - first.start, place[1] - first.start
    source, macro = first.value[start:end], re.split(r"\W+", first.value)[1]
    return Column(source, *place, name, macro) if re.fullmatch(r"[\w.]+", source) else None
