"""Numbers as a shop writes them: its decimal mark, its mark of thousands, money in units or in cents.

12,34 and 1.234,56 and -0,05 and 12 and 12,3 are amounts of cents exactly; 12,345 is refused, for nobody knows what
becomes of the third decimal, and so are 1e5, 007, +5, `12,` and `,5`, as everywhere in this project. Never a float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

_READ_DIGITS = 30  # more than any amount has, and room to multiply
MAX_DIGITS = 38  # of a polars Decimal; a number with more fits no amount


@dataclass(frozen=True)
class Marks:
    """`decimal` stands before decimals; `thousands` between groups of three digits, or nowhere if it is empty.

    `money_decimals` is 2 where money is in units of the currency, 0 where it is in cents. `currency` may stand before
    an amount or after it, with the blank that is between: `$`, ` €`, `kr `.
    """

    decimal: str = "."
    thousands: str = ""
    money_decimals: int = 0
    currency: str = ""


def number_pattern(marks: Marks, whole_digits: int, decimals: int) -> str:
    """The spelling of a number of at most so many digits before and after the mark, as a regular expression."""
    whole = f"(?:0|[1-9][0-9]{{0,{whole_digits - 1}}})" if whole_digits > 0 else "0"
    if marks.thousands:
        whole = f"(?:{whole}|[1-9][0-9]{{0,2}}(?:{re.escape(marks.thousands)}[0-9]{{3}})+)"
    return rf"\A-?{whole}" + (rf"(?:{re.escape(marks.decimal)}[0-9]{{1,{decimals}}})?" if decimals else "") + r"\z"


def take_off_currency(text: pl.Expr, currency: str) -> pl.Expr:
    """A text without the mark of a currency before it or, if there is none, after it."""
    before = text.str.starts_with(currency)
    return pl.when(before).then(text.str.strip_prefix(currency)).otherwise(text.str.strip_suffix(currency))


def read_amount(text: pl.Expr, marks: Marks) -> tuple[pl.Expr, pl.Expr]:
    """A whole number of cents (Int64), null where unreadable; whether the text is spelled as one."""
    value = _plain(text, marks).cast(pl.Decimal(_READ_DIGITS, marks.money_decimals), strict=False)
    cents = (value * 10**marks.money_decimals).cast(pl.Int64, strict=False)
    return cents, text.str.contains(number_pattern(marks, MAX_DIGITS, marks.money_decimals))


def read_decimal(text: pl.Expr, marks: Marks, dtype: pl.Decimal) -> tuple[pl.Expr, pl.Expr]:
    """A decimal number of this dtype, null where unreadable; whether the text is spelled as one."""
    fits = text.str.contains(number_pattern(marks, dtype.precision - dtype.scale, dtype.scale))
    return _plain(text, marks).cast(dtype, strict=False), fits


def _plain(text: pl.Expr, marks: Marks) -> pl.Expr:
    """The text with a point before the decimals and nothing between the thousands."""
    if marks.thousands:
        text = text.str.replace_all(marks.thousands, "", literal=True)
    return text if marks.decimal == "." else text.str.replace(marks.decimal, ".", literal=True)
