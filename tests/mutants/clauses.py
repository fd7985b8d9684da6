"""Conditions that fall away: of a join, a filter, a branch of a `case`, a column of `partition by`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants.lexer import Token

Edit = tuple[str, int, int, str]

OPENS = ("on", "where", "having")
CLOSES = (
    "group", "order", "left", "inner", "cross", "full", "join", "where", "having", "union", "except", "limit", "window",
)  # fmt: skip


def drop_conditions(tokens: list[Token]) -> Iterator[Edit]:
    """Each condition of a join or a filter, replaced by what always holds (in an `or`: never does), or negated."""
    for position, token in enumerate(tokens):
        if not token.is_word(*OPENS):
            continue
        terms, joints = _terms(tokens, position)
        neutral = "1 = 0" if "or" in joints else "1 = 1"
        for term in terms:
            yield "condition", term[0].start, term[-1].end, neutral
            if not any(each.kind == "sign" for each in term if each.depth == term[0].depth):
                yield "condition", term[0].start, term[-1].end, f"not ({_spelled(term)})"


def drop_branches(tokens: list[Token]) -> Iterator[Edit]:
    """Each branch of a `case` that is never taken; `else` that gives null."""
    for position, token in enumerate(tokens):
        if token.is_word("when"):
            then = _find(tokens, position, "then")
            if then:
                is_simple = not _before(tokens, position).is_word("case") and _is_simple(tokens, position)
                yield "branch", tokens[position + 1].start, tokens[then - 1].end, "null" if is_simple else "1 = 0"
        elif token.is_word("else"):
            end = _find(tokens, position, "end")
            if end:
                yield "branch", tokens[position + 1].start, tokens[end - 1].end, "null"


def drop_partitions(tokens: list[Token]) -> Iterator[Edit]:
    """Each column of a window's `partition by`, replaced by one value for all rows."""
    for position, token in enumerate(tokens):
        if not (token.is_word("by") and _before(tokens, position).is_word("partition")):
            continue
        for column in tokens[position + 1 :]:
            if column.is_word("order", "rows") or column.depth < token.depth:
                break
            if column.depth == token.depth and column.kind == "word":
                yield "partition", column.start, column.end, "1"


def _terms(tokens: list[Token], position: int) -> tuple[list[list[Token]], list[str]]:
    """The conditions after `on`, `where` or `having`, and the words (`and`, `or`) between them."""
    depth, terms, joints, is_between = tokens[position].depth, [[]], [], False  # type: ignore[var-annotated]
    for token in tokens[position + 1 :]:
        if token.depth < depth or token.kind == "block" or (token.depth == depth and token.is_word(*CLOSES)):
            break
        is_own_closing = token.value == ")" and any(each.value == "(" for each in terms[-1])
        if token.depth == depth and token.value in (")", ";", ",") and not is_own_closing:
            break
        if token.is_word("between"):
            is_between = True
        if token.depth == depth and token.is_word("and", "or") and not (is_between and token.is_word("and")):
            joints.append(token.value)
            terms.append([])
            continue
        if token.is_word("and"):
            is_between = False
        terms[-1].append(token)
    return [term for term in terms if term], joints


def _find(tokens: list[Token], position: int, word: str) -> int | None:
    """Where `word` follows at the same depth, `case … end` in between left out."""
    depth, nested = tokens[position].depth, 0
    for index in range(position + 1, len(tokens)):
        token = tokens[index]
        if token.depth < depth:
            return None
        if token.depth > depth:
            continue
        nested += token.is_word("case")
        if token.is_word(word) and not nested:
            return index
        nested -= token.is_word("end")
    return None


def _is_simple(tokens: list[Token], position: int) -> bool:
    """Whether the `case` of this `when` compares one value: `case x when 1 then …`."""
    depth, nested = tokens[position].depth, 0
    for index in range(position - 1, -1, -1):
        token = tokens[index]
        if token.depth != depth:
            continue
        nested += token.is_word("end")
        if token.is_word("case"):
            if not nested:
                return not tokens[index + 1].is_word("when")
            nested -= 1
    return False


def _before(tokens: list[Token], position: int) -> Token:
    return tokens[position - 1] if position else Token("none", "", 0, 0)


def _spelled(term: list[Token]) -> str:
    return " ".join(token.value for token in term)
