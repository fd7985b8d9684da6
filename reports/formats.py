"""Values in, the text that a reader sees out: numbers, amounts, dates.

Every number of a chart, headline or table is formatted here, so that the same value reads the same everywhere, in the
reader's language and the shop's currency (`reports.languages`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any

from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.numbers import format_compact_decimal

from reports.languages import group_digits, mark, reader, tr, with_currency
from reports.names import clean_text, known_name

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_METHOD_LENGTH = 40
_WHOLE_FROM, _COMPACT_FROM, _EXPONENT_FROM = 100, 10**7, 10**15  # dollars


@dataclass(frozen=True)
class _Pattern:
    """How a language writes what CLDR has no pattern for (CLDR's signs): the first of a month, times, narrow months."""

    first: str
    moment: str
    narrow_month: str


_PATTERNS = {
    "en": _Pattern("1", "yyyy-MM-dd HH:mm", "MMM \u2019yy"),
    "fr": _Pattern("1er", "dd/MM/yyyy HH:mm", "MMM yy"),
}


class Format(Enum):
    """How the values of one column are written; `is_number` columns are aligned to the right."""

    ID = "id"
    NAME = "name"
    DATE = "date"
    MONTH = "month"
    MOMENT = "moment"
    FLAG = "flag"
    METHOD = "method"
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


METHODS = {  # how demand was forecast, or why it was not: demand_forecasts and reorder_suggestions
    "last_week": mark("last week"),
    "mean_week": mark("mean week"),
    "damped_trend": mark("damped trend"),
    "not_in_recipe": mark("in no recipe"),
    "no_history": mark("never used"),
}


def format_method(code: str) -> str:
    """The words for a method of forecasting; one that has none yet stands by its code."""
    return tr(METHODS[code]) if code in METHODS else clean_text(code, _METHOD_LENGTH)


def format_integer(value: int) -> str:
    """1234567 → 1,234,567; in French 1 234 567."""
    return group_digits(f"{value:,}")


def format_usd(value: Decimal) -> str:
    """To the cent, without the sign of the currency, as the cells of a column are: 1,234.50."""
    return group_digits(f"{value:,.2f}")


def format_money(value: Decimal) -> str:
    """For sentences and chart labels: cents below 100, whole amounts below ten million, compact above: $5,495."""
    size = abs(value)
    if 0 < size < _WHOLE_FROM:
        return with_currency(group_digits(f"{value:,.2f}"))
    if size < _COMPACT_FROM:
        return with_currency(group_digits(f"{value.quantize(Decimal(1), ROUND_HALF_UP):,}"))
    return format_compact(value)


def format_mean(value: Decimal | float) -> str:
    """A mean amount, to the cent below ten million: $14.80, $120.05."""
    amount = Decimal(str(value))
    if abs(amount) >= _COMPACT_FROM:
        return format_money(amount)
    return with_currency(group_digits(f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"))


def format_compact(value: Decimal | float) -> str:
    """For the ticks of an axis of amounts: $950, $2.5K, $40M, 2,5 k €; beyond trillions with an exponent.

    Babel rounds from 1,000 on only, and after it has chosen K or M: 999,999 would be 1000K.
    """
    amount = Decimal(str(value))
    thousands = max(amount.adjusted() // 3, 0)
    amount = amount.quantize(Decimal(1).scaleb(3 * thousands - 2)) + 0
    if abs(amount) >= _EXPONENT_FROM:
        return with_currency(group_digits(f"{amount:.2e}"))
    short = format_compact_decimal(amount, locale=reader().locale, fraction_digits=2)
    return with_currency(short.replace("-", MINUS))


def format_tick(count: float) -> str:
    """For the ticks of an axis of counts: 1,500."""
    return _rounded(count, 0)


def format_plain_tick(number: float) -> str:
    """For the ticks of an axis of days: 2.5; 10; 1,000,000."""
    return group_digits(f"{Decimal(f'{number:.12g}') + 0:,f}")


def format_percent_tick(ratio: float) -> str:
    """For the ticks of an axis of rates: 0.075 → 7.5%."""
    return with_percent(format_plain_tick(ratio * 100))


def with_percent(number: str) -> str:
    """2.4%; in French with a space that does not break: 2,4 %."""
    return str(reader().locale.percent_formats[None].pattern).replace("#,##0", number)


def format_share(ratio: float) -> str:
    """A share of a whole: 0.0243 → 2.4%."""
    return with_percent(_rounded(ratio * 100, 1))


def format_whole_share(ratio: float) -> str:
    """A share without decimals, where there is little room: 0.0243 → 2%."""
    return with_percent(_rounded(ratio * 100, 0))


def amount_and_share(amount: Decimal, share: float | None) -> str:
    """The label of a bar: $5,495 · 2.4%; without the share where there is none."""
    return format_money(amount) + (f"  ·  {format_share(share)}" if share is not None else "")


def format_rate(ratio: float) -> str:
    """A tax rate, which is declared with up to three decimals: 0.0625 → 6.250%."""
    return with_percent(_rounded(ratio * 100, 3))


def format_points(ratio: float) -> str:
    """A difference of two rates in percentage points, with a true minus: -0.00033 → -0.033; 0.000 has no sign."""
    return _with_plus(ratio * 100, 3)


def format_growth(ratio: float) -> str:
    """A change of an amount, with its sign: 0.123 → +12.3%; no sign where it rounds to nothing."""
    return with_percent(_with_plus(ratio * 100, 1))


def format_quantity(value: float) -> str:
    """A count per day or a number of days: 12.3; cents of a unit below one: 0.04."""
    return _rounded(value, 1 if abs(value) >= 1 else 2)


def format_weekday(number: int) -> str:
    """1 → Monday."""
    names = reader().locale.days["stand-alone"]["wide"]
    return names[number - 1] if number - 1 in names else format_integer(number)


def format_hour(number: int) -> str:
    """The hour that begins then: 7 → 07:00; in French 7 h."""
    return tr("{hour:02}:00", hour=number)


def format_month(day: date) -> str:
    """August 2021."""
    return babel_date(day, "MMMM y", locale=reader().locale)


def format_short_month(day: date, *, is_narrow: bool) -> str:
    """For the ticks of an axis of months: Aug 2021, with two digits of the year where there is little room."""
    return babel_date(day, _PATTERNS[reader().language].narrow_month if is_narrow else "MMM y", locale=reader().locale)


def format_local_moment(moment: datetime) -> str:
    """A time on the store's own clock: 2021-08-31 06:15."""
    return babel_datetime(moment.replace(tzinfo=None), _PATTERNS[reader().language].moment, locale=reader().locale)


def format_date(day: date) -> str:
    """30 August 2021; in French the first of a month is 1er."""
    number = _PATTERNS[reader().language].first if day.day == 1 else str(day.day)
    return f"{number} {format_month(day)}"


def format_short_date(day: date) -> str:
    """30 Aug 2021, for a cell of a table; it breaks before the year, if at all."""
    number = _PATTERNS[reader().language].first if day.day == 1 else str(day.day)
    return f"{number}\u00a0{format_short_month(day, is_narrow=False)}"


def format_moment(moment: datetime) -> str:
    """2021-08-31 06:15 UTC; a naive moment is taken as UTC."""
    return f"{format_local_moment(moment if moment.tzinfo is None else moment.astimezone(UTC))} UTC"


def format_value(value: Any, how: Format, limit: int = 80) -> str:
    """The cell text of `value` (the Python value of a checked KPI frame); nothing known is a dash."""
    if value is None:
        return MISSING
    return clean_text(known_name(value), limit) or MISSING if how.is_text else (_NUMBERS | _OTHERS)[how](value)


def _with_plus(number: float, digits: int) -> str:
    text = _rounded(number, digits)
    return text if number < 0 or text == _rounded(0.0, digits) else f"+{text}"


def _rounded(number: float, digits: int) -> str:
    """With that many digits behind the decimal sign; what rounds to nothing has no sign."""
    text = f"{number:,.{digits}f}"
    return group_digits(text.lstrip("-") if not text.strip("-0.") else text)


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
    Format.METHOD: format_method,
    Format.DATE: format_short_date,
    Format.MONTH: format_month,
    Format.MOMENT: format_local_moment,
    Format.FLAG: lambda value: tr("yes") if value else tr("no"),
    Format.WEEKDAY: format_weekday,
    Format.HOUR: format_hour,
}
