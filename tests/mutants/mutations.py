"""One change at a time to the SQL of a dbt file: a file's text in, its mutants out. Pure functions, no dbt.

Each function below looks for one kind of mistake a person makes: a wrong sign, a border that is off by one, a join or a
filter that keeps too much, a wrong column. Jinja, comments and the lengths of types are never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from tests.mutants.clauses import drop_branches, drop_conditions, drop_partitions
from tests.mutants.columns import exchange_columns, negate_flags
from tests.mutants.lexer import Token, regions

Edit = tuple[str, int, int, str]  # kind, start, end, what stands there instead

OPPOSITES = {
    "+": "-", "-": "+", "*": "+",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "=", "!=": "=",
}  # fmt: skip
ARITHMETIC = ("+", "-", "*")
WORDS = {
    "and": "or",
    "or": "and",
    "true": "false",
    "false": "true",
    "desc": "asc",
    "asc": "desc",
    "first": "last",
    "last": "first",
    "union": "union all",
    "distinct": "",
    "left": "inner",
    "inner": "left",
}
FUNCTIONS = {
    "min": "max", "max": "min", "sum": "max", "avg": "max", "greatest": "least", "least": "greatest",
    "lead": "lag", "lag": "lead", "floor": "ceil", "ceil": "floor", "abs": "",
}  # fmt: skip
TYPES = ("varchar", "char", "decimal", "numeric")
NAMES_A_KIND = {"left": "join", "inner": "join", "union": "set", "distinct": "set"}
ENDS_A_VALUE = ("word", "number", "jinja", "text")


@dataclass(frozen=True, order=True)
class Mutant:
    """A file of the project (its path in the project's folder) with `start` to `end` replaced; `line` counts from 1."""

    file: str
    line: int
    kind: str
    start: int
    end: int
    replacement: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.replacement + text[self.end :]

    def describe(self, text: str) -> tuple[str, str]:
        """The lines that change, before and after, without their indent."""
        first = text.rfind("\n", 0, self.start) + 1
        last = text.find("\n", self.end)
        last = len(text) if last < 0 else last
        after = text[first : self.start] + self.replacement + text[self.end : last]
        return " ".join(text[first:last].split()), " ".join(after.split())


def mutate_sql(file: str, text: str) -> list[Mutant]:
    """All mutants of a dbt SQL file, in the order of their place; no two give the same text."""
    edits = (edit for tokens in regions(text) for mutation in MUTATIONS for edit in mutation(tokens))
    return collect(file, text, edits)


def collect(file: str, text: str, edits: Iterator[Edit]) -> list[Mutant]:
    """The mutants of these edits; of those that give the same text, the first."""
    by_text: dict[str, Mutant] = {text: Mutant(file, 0, "none", 0, 0, "")}
    for kind, start, end, replacement in edits:
        mutant = Mutant(file, text.count("\n", 0, start) + 1, kind, start, end, replacement)
        by_text.setdefault(mutant.apply(text), mutant)
    return sorted(mutant for mutant in by_text.values() if mutant.line)


def turn_signs(tokens: list[Token]) -> Iterator[Edit]:
    """Arithmetic and comparisons; not the star of `select *` or `count(*)`, nor the sign of a number."""
    for before, token in pairwise(tokens):
        if token.kind != "sign" or token.value not in OPPOSITES:
            continue
        ends_a_value = (before.kind in ENDS_A_VALUE and not before.is_word("select", "distinct")) or before.value == ")"
        if token.value not in ARITHMETIC:
            yield "comparison", token.start, token.end, OPPOSITES[token.value]
        elif ends_a_value:
            yield "arithmetic", token.start, token.end, OPPOSITES[token.value]


def turn_words(tokens: list[Token]) -> Iterator[Edit]:
    """`and` ↔ `or`, `left` ↔ `inner`, `desc` ↔ `asc`, `nulls first` ↔ `last`, `union` ↔ `union all`, true ↔ false."""
    for position, token in enumerate(tokens):
        word = token.value.lower() if token.kind == "word" else ""
        after = tokens[position + 1] if position + 1 < len(tokens) else None
        if word == "union" and after and after.is_word("all"):
            yield "set", token.start, after.end, "union"
        elif word in WORDS and not _means_something_else(tokens, position):
            yield NAMES_A_KIND.get(word, "word"), token.start, token.end, WORDS[word]


def drop_not(tokens: list[Token]) -> Iterator[Edit]:
    """`not x` → `x`, `is null` ↔ `is not null`, `in` ↔ `not in`, `exists` ↔ `not exists`."""
    for before, token in pairwise(tokens):
        if token.is_word("not"):
            yield "not", token.start, token.end, ""
        elif token.is_word("null") and before.is_word("is"):
            yield "not", token.start, token.end, "not null"
        elif token.is_word("in", "exists") and not before.is_word("not"):
            yield "not", token.start, token.start, "not "


def exchange_functions(tokens: list[Token]) -> Iterator[Edit]:
    """`min` ↔ `max`, `sum` → `max`, `lead` ↔ `lag`, …; the default of a `coalesce` gone."""
    for position, (token, after) in enumerate(pairwise(tokens)):
        if token.kind != "word" or after.value != "(":
            continue
        if token.value.lower() in FUNCTIONS:
            yield "function", token.start, token.end, FUNCTIONS[token.value.lower()]
        if token.is_word("coalesce"):
            yield from _without_default(tokens[position + 1 :])


def shift_constants(tokens: list[Token]) -> Iterator[Edit]:
    """Numbers up and down by 1, days by one day, other text by a letter; lengths of types stay."""
    for position, token in enumerate(tokens):
        if token.kind == "number" and not _is_length_of_type(tokens, position):
            for shifted in _neighbours(token.value):
                yield "constant", token.start, token.end, shifted
        elif token.kind == "text" and len(token.value) > 2 and "{" not in token.value:
            yield "constant", token.start, token.end, f"'{_other_text(token.value[1:-1])}'"


def turn_windows(tokens: list[Token]) -> Iterator[Edit]:
    """`order by` of a window without a direction, which is `asc`: `desc`."""
    for position, token in enumerate(tokens):
        if not (token.is_word("by") and position and tokens[position - 1].is_word("order") and token.depth):
            continue
        for each, after in pairwise(tokens[position:]):
            if after.depth < token.depth or (after.value in (",", ")") and after.depth <= token.depth):
                if each.kind == "word" and not each.is_word("desc", "asc", "last", "first"):
                    yield "word", each.end, each.end, " desc"
                break


def _means_something_else(tokens: list[Token], position: int) -> bool:
    """The `and` of a `between`, a column called `last`, the function `left(…)`, a word that ends `nulls`' twin."""
    token, before = tokens[position], tokens[position - 1] if position else None
    after = tokens[position + 1] if position + 1 < len(tokens) else None
    if token.is_word("and"):
        return any(each.is_word("between") for each in tokens[max(0, position - 3) : position])
    if token.is_word("first", "last"):
        return not (before and before.is_word("nulls"))
    if token.is_word("left", "inner"):
        return not (after and after.is_word("join"))
    return False


def _without_default(call: list[Token]) -> Iterator[Edit]:
    """From the last comma of the call's own arguments to its closing parenthesis."""
    depth = call[0].depth
    closing = next((position for position, token in enumerate(call) if token.value == ")" and token.depth == depth), 0)
    commas = [token for token in call[:closing] if token.value == "," and token.depth == depth + 1]
    if commas:
        yield "default", commas[-1].start, call[closing].start, ""


def _is_length_of_type(tokens: list[Token], position: int) -> bool:
    before = [token.value.lower() for token in tokens[max(0, position - 4) : position]]
    return any(name in before[-2:] or (before[-4:-3] == [name] and before[-1] == ",") for name in TYPES)


def _neighbours(number: str) -> list[str]:
    if "." in number:
        return [str(round(float(number) * 2, 10))]
    return [str(int(number) + 1), *([str(int(number) - 1)] if int(number) else [])]


def _other_text(text: str) -> str:
    try:
        return (date.fromisoformat(text) + timedelta(days=1 if text < "9999" else -1)).isoformat()
    except ValueError:
        return text + "x"


MUTATIONS: list[Callable[[list[Token]], Iterator[Edit]]] = [
    turn_signs,
    turn_words,
    turn_windows,
    drop_not,
    exchange_functions,
    shift_constants,
    drop_conditions,
    drop_branches,
    drop_partitions,
    exchange_columns,
    negate_flags,
]
