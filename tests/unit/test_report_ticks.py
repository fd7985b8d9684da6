"""The ticks of an axis in both languages: each is written without noise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reports import formats
from reports.languages import LANGUAGES, speaking


@pytest.mark.parametrize(
    ("amount", "english", "french"),
    [
        (0.1 + 0.2, "$0.3", "0,3\u00a0$"),
        (-0.030000000000000002, "−$0.03", "−0,03\u00a0$"),
        (-0.0, "$0", "0\u00a0$"),
        (1e-9, "$0", "0\u00a0$"),
        (950.0000000000001, "$950", "950\u00a0$"),
        (999.996, "$1K", "1\u00a0k\u00a0$"),
        (999_996, "$1M", "1\u00a0M\u00a0$"),
        (-999_999_999, "−$1B", "−1\u00a0Md\u00a0$"),
        (999_999_999_999_999, "$1.00e+15", "1,00e+15\u00a0$"),
        (1_234_999, "$1.23M", "1,23\u00a0M\u00a0$"),
    ],
)
def test_amount_is_written_to_the_cent_or_to_three_digits_and_without_noise(
    amount: float, english: str, french: str
) -> None:
    for language, expected in zip(LANGUAGES, (english, french), strict=True):
        with speaking(language):
            assert formats.format_compact(amount) == expected


@pytest.mark.parametrize(
    ("write", "number", "english", "french"),
    [
        (formats.format_tick, -0.0, "0", "0"),
        (formats.format_tick, -0.4, "0", "0"),
        (formats.format_plain_tick, -0.0, "0", "0"),
        (formats.format_plain_tick, 0.1 + 0.2, "0.3", "0,3"),
        (formats.format_plain_tick, 1e6, "1,000,000", "1\u202f000\u202f000"),
        (formats.format_percent_tick, 0.07 * 3, "21%", "21\u00a0%"),
        (formats.format_percent_tick, -0.0, "0%", "0\u00a0%"),
        (formats.format_percent_tick, 12_345.0, "1,234,500%", "1\u202f234\u202f500\u00a0%"),
    ],
)
def test_tick_has_neither_noise_nor_an_exponent_nor_the_sign_of_nothing(
    write: Callable[[float], str], number: float, english: str, french: str
) -> None:
    for language, expected in zip(LANGUAGES, (english, french), strict=True):
        with speaking(language):
            assert write(number) == expected
