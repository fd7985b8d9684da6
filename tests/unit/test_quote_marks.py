"""Quotes that are all where RFC 4180 wants them are told from others as by its grammar, wherever words of bits end."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.lake.quote_marks import count_inner

QUOTED = r'"(?:[^"\n]|"")*"'
LINE = re.compile(rf'(?:[^",\n]*|{QUOTED})(?:,(?:[^",\n]*|{QUOTED}))*\r?\n')
SOUP = st.text(st.sampled_from('""",,\n\ra1é'), max_size=60)
FIELDS = st.sampled_from(["", "a", '""', '"a"', '"a,b"', '"a""b"', '""",a"', '"a"""', '"\r"', "é", "x" * 50])
SOUND = st.lists(st.lists(FIELDS, min_size=1, max_size=4).map(",".join), max_size=8).map("\n".join)


def count_by_grammar(text: str) -> int | None:
    lines = [f"{line}\n" for line in text.split("\n")[:-1]]
    if not all(LINE.fullmatch(line) for line in lines):
        return None
    return sum(quoted.count(",") for line in lines for quoted in re.findall(QUOTED, line))


def check(text: str) -> None:
    assert count_inner(text.encode(), ord(","), ord('"')) == count_by_grammar(text)


@given(SOUP, st.integers(0, 130))
@example('"', 63)
@example('"\r', 0)
@example('"a"\r\n"a"\rb', 0)
def test_any_text_is_judged_as_by_the_grammar(soup: str, padding: int) -> None:
    check(f"{'x' * padding},{soup}\n")


@given(SOUND, st.integers(0, 130), st.integers(0, 200), st.sampled_from('",\n\rx'))
@example('"a,b"', 60, 200, "x")
@example('"a""b"', 61, 200, "x")
def test_sound_lines_are_counted_and_one_byte_more_is_judged(sound: str, padding: int, at: int, byte: str) -> None:
    text = f"{'x' * padding},{sound}\n"
    assert count_by_grammar(text) is not None
    check(text)
    check(text[:at] + byte + text[at:])


@pytest.mark.parametrize("at", [*range((1 << 17) - 6, (1 << 17) + 2), (1 << 18) - 3])
def test_quotes_are_followed_over_the_ends_of_windows(at: int) -> None:
    for field in ('"a,b"', '"a""b,"', '"a\nb"', '"a"b'):
        check("x" * (at - 1) + f',{field},"{"y," * 70}"\n')


def test_of_nothing_nothing_is_in_quotes() -> None:
    assert count_inner(b"", ord(","), ord('"')) == 0


def test_other_marks_are_followed_as_these() -> None:
    assert count_inner(b"a;'b;;c''';d,\"\n", ord(";"), ord("'")) == 2
    assert count_inner(b'"a;b";c\n', ord(";"), ord("'")) == 0
