"""Values in, the text that a reader sees out: numbers, dates, names, and the escaping for each place they go to.

Every number of a chart, headline or table is formatted here, so that the same value reads the same everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import cache
from typing import Any

from matplotlib.font_manager import FontProperties, findfont, get_font

FONT = "DejaVu Sans"  # ships with matplotlib: charts look the same on every machine
MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_WHOLE_FROM, _COMPACT_FROM, _EXPONENT_FROM = 100, 10**7, 10**15  # dollars
_UNKNOWN_GLYPH = "□"
_CHART_NAME_LENGTH = 60
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LEFT_TO_RIGHT = "\u200e"
_INVISIBLE = frozenset("\u200b\u2060\ufeff")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#@])")
_COMPACT = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))


class Format(Enum):
    """How the values of one column are written; `is_number` columns are aligned to the right."""

    ID = "id"
    NAME = "name"
    DATE = "date"
    MONTH = "month"
    MOMENT = "moment"
    FLAG = "flag"
    WEEKDAY = "weekday"
    HOUR = "hour"
    INTEGER = "integer"
    QUANTITY = "quantity"
    USD = "usd"
    SHARE = "share"
    RATE = "rate"
    POINTS = "points"
    GROWTH = "growth"

    @property
    def is_text(self) -> bool:
        """True for ids and names, which are whatever the data hold."""
        return self in (Format.ID, Format.NAME)

    @property
    def is_number(self) -> bool:
        """True for counts, amounts and ratios; not for texts, times and flags."""
        return self in _NUMBERS


def format_integer(value: int) -> str:
    """1234567 → 1,234,567."""
    return f"{value:,}"


def format_usd(value: Decimal) -> str:
    """To the cent, without the sign of the currency, as the cells of a column are: 1,234.50."""
    return _true_minus(f"{value:,.2f}")


def format_money(value: Decimal) -> str:
    """For sentences and chart labels: cents below $100, whole dollars below ten million, compact above."""
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if 0 < size < _WHOLE_FROM:
        return f"{sign}${size:,.2f}"
    if size < _COMPACT_FROM:
        return f"{sign}${size.quantize(Decimal(1), ROUND_HALF_UP):,}"
    return sign + format_compact(size)


def format_mean(value: Decimal | float) -> str:
    """A mean amount, to the cent below ten million dollars: $14.80, $120.05."""
    amount = Decimal(str(value))
    if abs(amount) >= _COMPACT_FROM:
        return format_money(amount)
    return f"{MINUS if amount < 0 else ''}${abs(amount).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def format_compact(value: Decimal | float) -> str:
    """For the ticks of a dollar axis: $950, $2.5K, $40M; beyond trillions with an exponent."""
    amount = Decimal(str(value))
    if abs(amount) >= _EXPONENT_FROM:
        return f"${amount:.2e}"
    for unit, letter in _COMPACT:
        if abs(amount) >= unit:
            return f"${_trim(amount / unit)}{letter}"
    return f"${_trim(amount)}"


def join_names(names: Sequence[str]) -> str:
    """A; A and B; A, B and C."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def format_share(ratio: float) -> str:
    """A share of a whole: 0.0243 → 2.4%."""
    return _signed(ratio * 100, 1) + "%"


def amount_and_share(amount: Decimal, share: float | None) -> str:
    """The label of a bar: $5,495 · 2.4%; without the share where there is none."""
    return format_money(amount) + (f"  ·  {format_share(share)}" if share is not None else "")


def count_of(count: int, noun: str) -> str:
    """1 order, 2 orders."""
    return f"{format_integer(count)} {noun}{'' if count == 1 else 's'}"


def format_rate(ratio: float) -> str:
    """A tax rate, which is declared with up to three decimals: 0.0625 → 6.250%."""
    return _signed(ratio * 100, 3) + "%"


def format_points(ratio: float) -> str:
    """A difference of two rates in percentage points, with a true minus: -0.00033 → -0.033."""
    text = _signed(ratio * 100, 3)
    return text if ratio < 0 or float(text.replace(",", "")) == 0 else f"+{text}"


def format_growth(ratio: float) -> str:
    """A change of an amount, with its sign: 0.123 → +12.3%."""
    text = _signed(ratio * 100, 1) + "%"
    return text if ratio < 0 or text == "0.0%" else f"+{text}"


def format_quantity(value: float) -> str:
    """A count per day or a number of days: 12.3; cents of a unit below one: 0.04."""
    return _signed(value, 1 if abs(value) >= 1 else 2)


def format_weekday(number: int) -> str:
    """1 → Monday."""
    return WEEKDAYS[number - 1] if 1 <= number <= len(WEEKDAYS) else format_integer(number)


def format_hour(number: int) -> str:
    """The hour that begins then: 7 → 07:00."""
    return f"{number:02}:00"


def format_month(day: date) -> str:
    """August 2021."""
    return f"{day:%B %Y}"


def format_local_moment(moment: datetime) -> str:
    """A time on the store's own clock: 2021-08-31 06:15."""
    return f"{moment:%Y-%m-%d %H:%M}"


def format_date(day: date) -> str:
    """30 August 2021."""
    return f"{day.day} {day:%B %Y}"


def format_moment(moment: datetime) -> str:
    """2021-08-31 06:15 UTC; a naive moment is taken as UTC."""
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M} UTC"


def clean_text(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without control characters or marks that turn the reading direction."""
    kept = "".join(" " if _is_control(char) else char for char in text if char not in _BIDI_CONTROLS | _INVISIBLE)
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def chart_name(name: str | None, key: str) -> str:
    """A name in the glyphs that the chart font has, others as one □; the key where nothing readable is left."""
    text = _in_chart_font(name or "")
    if not any(char.isalnum() for char in text):
        text = _in_chart_font(key)
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}" if _is_rtl(text) else text  # so that a rank stays on its right


def sentence_text(text: str | None, limit: int = 60) -> str:
    """A name inside a sentence; one that reads from right to left is isolated, so that the numbers stay in order."""
    name = clean_text(text or "", limit) or "(no name)"
    return f"\u2068{name}\u2069" if _is_rtl(name) else name


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no HTML, no emphasis, no link, no new column, no new line."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(plain.split()))
    return escaped.replace("://", "\\://").replace("www.", "www\\.")


def format_value(value: Any, how: Format, limit: int = 80) -> str:
    """The cell text of `value` (the Python value of a checked KPI frame); nothing known is a dash."""
    if value is None:
        return MISSING
    return clean_text(value, limit) or MISSING if how.is_text else (_NUMBERS | _OTHERS)[how](value)


@cache
def font_glyphs() -> frozenset[int]:
    """The code points that the chart font can draw."""
    return frozenset(get_font(findfont(FontProperties(family=FONT), fallback_to_default=False)).get_charmap())


def _in_chart_font(text: str) -> str:
    glyphs = font_glyphs()
    drawn = "".join(char if ord(char) in glyphs else _UNKNOWN_GLYPH for char in clean_text(text, _CHART_NAME_LENGTH))
    return re.sub(f"{_UNKNOWN_GLYPH}+", _UNKNOWN_GLYPH, drawn)


def _is_rtl(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")


def _signed(number: float, digits: int) -> str:
    text = f"{number:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else _true_minus(text)


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS)


def _trim(amount: Decimal) -> str:
    text = f"{amount:,.2f}"
    return text.rstrip("0").rstrip(".")


_NUMBERS: dict[Format, Callable[[Any], str]] = {
    Format.INTEGER: format_integer,
    Format.QUANTITY: format_quantity,
    Format.USD: format_usd,
    Format.SHARE: format_share,
    Format.RATE: format_rate,
    Format.POINTS: format_points,
    Format.GROWTH: format_growth,
}
_OTHERS: dict[Format, Callable[[Any], str]] = {
    Format.DATE: format_date,
    Format.MONTH: format_month,
    Format.MOMENT: format_local_moment,
    Format.FLAG: lambda value: "yes" if value else "no",
    Format.WEEKDAY: format_weekday,
    Format.HOUR: format_hour,
}
