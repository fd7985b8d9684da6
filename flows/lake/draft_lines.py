"""A shop's file in; whether each of its records is a line of an order out, with the order's own columns on all of them.

Exports of shops on the web look so: the order's number on every line, its customer, time and total on all of them or on
the first alone, and beside them the product of the line. Here an order is a record and so is each unit that is sold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flows.lake.draft_columns import fold
from flows.lake.draft_values import are_amounts, find_spellings
from flows.lake.draft_words import LINE_WORDS, TABLE_WORDS
from flows.lake.look import Look

MOST_NAMED = 3
ORDER_WORDS = TABLE_WORDS["raw_orders"]
HOW_TO_SPLIT = "docs/your-own-data.md has a script that splits it"


@dataclass(frozen=True)
class Lines:
    """`order` is the column that repeats from line to line, of `orders` orders on `lines` lines; `same` are the columns
    that go with the order, `differing` those that go with the line."""

    order: str
    orders: int
    lines: int
    same: tuple[str, ...]
    differing: tuple[str, ...]

    def describe(self, name: str) -> str:
        """What the file is, what that means here, and the cure."""
        return (
            f"{name} has a line for each item: {_quote([self.order])} repeats, {self.orders} orders on {self.lines} "
            f"lines, with {_quote(self.same)} equal or on the first line alone and {_quote(self.differing)} differing. "
            "Here an order is one record of raw_orders, and each unit sold is one of raw_items, so it is left out; "
            f"export orders and items as two files, or split it: {HOW_TO_SPLIT}"
        )


def find_lines(look: Look) -> Lines | None:
    """None where a record is no line of an order, or where no order of the sample has two lines."""
    found = [lines for lines in (_group(look, at) for at in range(len(look.values))) if lines is not None]
    return max(found, key=lambda lines: (lines.orders, len(lines.same)), default=None)


def _group(look: Look, at: int) -> Lines | None:
    """The lines by the values of one column, if it can be what names the order."""
    names, groups = list(look.values), defaultdict[str, list[Sequence[str]]](list)
    for record in look.records:
        groups[record[at]].append(record)
    if "" in groups or not 1 < len(groups) < len(look.records):
        return None
    same = [each for each in range(len(names)) if each != at and _goes_with_order(each, groups.values())]
    differing = [name for each, name in enumerate(names) if each not in {at, *same} and look.values[name]]
    times = [each for each in same if find_spellings(look.values[names[each]])]
    amounts = [each for each in same if each not in times and _is_of_orders(look.values[names[each]])]
    if not (times and amounts and any(map(_is_of_lines, differing))):
        return None
    if any(_begins(name, ORDER_WORDS) and len(set(look.values[name])) == len(look.records) for name in differing):
        return None  # each record is an order of its own; these are of one customer
    told = [names[each] for each in (*times[:1], *amounts[:2])]
    return Lines(names[at], len(groups), len(look.records), tuple(told), tuple(filter(_is_of_lines, differing)))


def _goes_with_order(at: int, groups: Iterable[list[Sequence[str]]]) -> bool:
    """Whether a column has one value on all lines of each order, or none but on the first."""
    for group in groups:
        first, *others = (record[at] for record in group)
        if any(other not in {first, ""} for other in others) or (others and set(others) == {first, ""}):
            return False
    return True


def _is_of_orders(values: Sequence[str]) -> bool:
    """Whether they are amounts, and of more than one order."""
    return are_amounts(values) and len(set(values)) > 1


def _is_of_lines(name: str) -> bool:
    return _begins(name, LINE_WORDS)


def _begins(name: str, words: Sequence[str]) -> bool:
    return any(part.startswith(word) for part in fold(name).split("_") for word in words)


def _quote(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f'"{name}"' for name in names[:MOST_NAMED]) + more
