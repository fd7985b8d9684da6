"""Text → typed values, strictly: a value either means exactly one thing or its record is set aside with the reason.

polars' own casts are lenient (`007` → 7, `+1` → 1, `" 1"` → 1), so the spelling is checked before the cast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import dataframely as dy
import polars as pl

from flows.lake.amounts import MAX_DIGITS, Marks, number_pattern, read_amount, read_decimal, take_off_currency
from flows.lake.contracts import Contract
from flows.lake.digits import read_digits
from flows.lake.terms import Terms
from flows.lake.timestamps import formats, read_spelling, read_suffixed, utc_name

VALUE_CODES = {
    "required": "the field is empty, but a value is required",
    "not_integer": "not a plain whole number",
    "not_decimal": "not a plain decimal number of the declared precision",
    "not_boolean": "not one of True, False, true, false",
    "not_timestamp": "not a timestamp of a declared format, or not a date of the calendar",
    "utc_needs_time_zone": "a time in UTC (with `Z`, `UTC` or `GMT`) of a store whose time zone is not known",
    "not_time_zone": "not the name of an IANA time zone, e.g. America/New_York",
    "overflow": "the number does not fit 64 bits",
    "nul_byte": "the text contains a NUL byte, which Redshift cannot hold",
    "below_min": "below the least allowed value",
    "above_max": "above the greatest allowed value",
    "too_short": "shorter than allowed, in UTF-8 bytes",
    "too_long": "longer than allowed, in UTF-8 bytes",
    "pattern": "does not match the declared pattern",
    "not_allowed": "not one of the allowed values",
}
_DATAFRAMELY_CODES = {
    "min": "below_min",
    "max": "above_max",
    "min_length": "too_short",
    "max_length": "too_long",
    "regex": "pattern",
    "is_in": "not_allowed",
}
_BOOLEANS = {"True": True, "true": True, "False": False, "false": False}
_INTEGER = r"\A(?:0|-?[1-9][0-9]*)\z"
_SPELLED = "is spelled well"


@dataclass(frozen=True)
class _Questions:
    """What is asked of the values of a contract, as expressions; made once, for they cost more than a small file."""

    amounts: dict[str, Marks]  # the columns whose texts are read digit by digit before all else
    values: list[pl.Expr]  # of the first way to read each column
    spelled: list[pl.Expr]  # whether the text is one of a value of its column, read in that way
    holds: list[pl.Expr]  # whether the values keep the rules
    exact: list[pl.Expr]  # the values, read in every accepted way
    reasons: pl.Expr  # of exact values beside their texts


def read_values(text: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.Series]:
    """String columns → the contract's dtypes, and which records are surely good (Boolean), in the fewest passes.

    What is not surely good is for `explain` to decide: it may still be, e.g. if a timestamp has the second of the
    accepted spellings. NUL bytes are not looked for here.
    """
    ask = _questions(contract)
    text = _take_off_currencies(text, ask)
    if ask.amounts:
        read = {name: read_digits(text[name], marks) for name, marks in ask.amounts.items()}
        text = pl.DataFrame({column.name: read.get(column.name, column) for column in text.get_columns()})
    typed = text.select(*ask.values, _all(ask.spelled).alias(_SPELLED))
    return typed, typed.drop_in_place(_SPELLED) & typed.select(_all(ask.holds)).to_series()


def explain(text: pl.DataFrame, contract: Contract, terms: Terms) -> tuple[pl.DataFrame, pl.Series]:
    """String columns → the contract's dtypes, null where the text is not exactly a value of that type.

    With them the reasons against each record, `column:code` joined with `;`, null where there is none (String).
    """
    ask = _questions(contract)
    text = _take_off_currencies(text, ask)
    typed, is_utc = read_suffixed(text, text.select(ask.exact), contract, terms.time_zones)
    found = pl.concat([text.rename(_text_name), typed, is_utc], how="horizontal").select(ask.reasons).to_series()
    return typed, found.set(found == "", None)


def _take_off_currencies(text: pl.DataFrame, ask: _Questions) -> pl.DataFrame:
    """The texts with amounts alone where a shop writes the currency beside them."""
    marked = {name: marks.currency for name, marks in ask.amounts.items() if marks.currency}
    bare = [take_off_currency(pl.col(name), currency) for name, currency in marked.items()]
    return text.with_columns(bare) if bare else text


@cache
def _questions(contract: Contract) -> _Questions:
    amounts = {name: marks for name, column in contract.columns.items() if (marks := _amount_marks(column))}
    values, spelled, holds = [], [], [rule.holds for rule in contract.rules]
    for name, column in contract.columns.items():
        text = pl.col(name)
        value, fits = (text, None) if name in amounts else _readings(text, column)[0]
        values.append(value.alias(name))
        if fits is not None:
            spelled.append(fits)
        if not column.nullable or name in amounts:
            holds.append(text.is_not_null())
        elif column.dtype != pl.String:
            spelled.append(text.is_null() | value.is_not_null())
        holds += [keeps for _, keeps in _validation_rules(text, column)]
    reasons = [pl.when(is_bad).then(pl.lit(reason)) for reason, is_bad in _checks(contract)]
    return _Questions(
        amounts=amounts,
        values=values,
        spelled=spelled,
        holds=holds,
        exact=[_exact(pl.col(name), column).alias(name) for name, column in contract.columns.items()],
        reasons=pl.concat_str(reasons, separator=";", ignore_nulls=True).alias("reason"),
    )


def _exact(text: pl.Expr, column: dy.Column) -> pl.Expr:
    return pl.coalesce(value if fits is None else pl.when(fits).then(value) for value, fits in _readings(text, column))


def _readings(text: pl.Expr, column: dy.Column) -> list[tuple[pl.Expr, pl.Expr | None]]:
    """Each way to read a text: its value, and whether the text has the spelling where the value alone cannot tell.

    The value of an unreadable text is null.
    """
    dtype = column.dtype
    if dtype == pl.String:
        return [(text, None)]
    if dtype == pl.Boolean:
        spellings = (column.metadata or {}).get("booleans", _BOOLEANS)
        return [(text.replace_strict(spellings, default=None, return_dtype=pl.Boolean), None)]
    if isinstance(dtype, pl.Datetime):
        return [read_spelling(text, spelling) for spelling in formats(column)]
    marks = _marks(column)
    if marks:
        return [read_decimal(text, marks, dtype) if isinstance(dtype, pl.Decimal) else read_amount(text, marks)]
    fits = _is_plain_integer(text) if dtype.is_integer() else text.str.contains(_number_pattern(dtype))
    return [(text.cast(dtype, strict=False), fits)]


def _marks(column: dy.Column) -> Marks | None:
    """How a shop's profile says that the numbers of a column are written; None: as the contract does."""
    return (column.metadata or {}).get("marks")


def _amount_marks(column: dy.Column) -> Marks | None:
    """The marks of a column of whole numbers; None where there are none, or the numbers are others."""
    return _marks(column) if column.dtype == pl.Int64 else None


def _is_plain_integer(text: pl.Expr) -> pl.Expr:
    """Whether text that can be cast (a sign or none, then digits) has no plus and no leading zero.

    Compared as text, which is much cheaper than a pattern: "1" to "9" or "-1" to "-9" in front, or just "0".
    """
    return (text >= "1") | (text == "0") | ((text >= "-1") & (text < "-:"))


def _number_pattern(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        digits = f"(?:0|[1-9][0-9]{{0,{dtype.precision - dtype.scale - 1}}})" if dtype.precision > dtype.scale else "0"
        return rf"\A-?{digits}(?:\.[0-9]{{1,{dtype.scale}}})?\z" if dtype.scale else rf"\A-?{digits}\z"
    if dtype.is_integer():
        return _INTEGER
    raise TypeError(f"a contract column of dtype {dtype} has no spelling in CSV; see flows/lake/values.py")


def _checks(contract: Contract) -> Iterator[tuple[str, pl.Expr]]:
    """Every (reason, "this record is bad because of it"), never null; columns in order, then the rules."""
    for name, column in contract.columns.items():
        for code, is_bad in _column_checks(name, column):
            yield f"{name}:{code}", is_bad.fill_null(value=False)
    for rule in contract.rules:
        yield f"{rule.column}:{rule.code}", (~rule.holds).fill_null(value=False)


def _column_checks(name: str, column: dy.Column) -> Iterator[tuple[str, pl.Expr]]:
    text, value = pl.col(_text_name(name)), pl.col(name)
    if not column.nullable:
        yield "required", text.is_null()
    yield from _spelling_checks(name, column)
    for rule, holds in _validation_rules(value, column):
        yield _DATAFRAMELY_CODES.get(rule, rule.removeprefix("check__")), ~holds


def _validation_rules(value: pl.Expr, column: dy.Column) -> Iterator[tuple[str, pl.Expr]]:
    """The rules of dataframely for the values of a column that are not null: name, "the value keeps it"."""
    return ((rule, holds) for rule, holds in column.validation_rules(value).items() if rule != "nullability")


def _all(conditions: Iterable[pl.Expr]) -> pl.Expr:
    """Whether none of the conditions is false; a null is no value, which breaks nothing."""
    return pl.all_horizontal(pl.lit(value=True), *(condition.fill_null(value=True) for condition in conditions))


def _spelling_checks(name: str, column: dy.Column) -> Iterator[tuple[str, pl.Expr]]:
    text, value, dtype, marks = pl.col(_text_name(name)), pl.col(name), column.dtype, _marks(column)
    unread = text.is_not_null() & value.is_null()
    if dtype == pl.String:
        yield "nul_byte", text.str.contains("\x00", literal=True)
    elif dtype == pl.Boolean:
        yield "not_boolean", unread
    elif isinstance(dtype, pl.Datetime):
        yield "not_timestamp", unread & ~pl.col(utc_name(name))
        yield "utc_needs_time_zone", unread & pl.col(utc_name(name))
    elif isinstance(dtype, pl.Decimal):
        yield "not_decimal", unread
    else:
        spelled = text.str.contains(
            number_pattern(marks, MAX_DIGITS, marks.money_decimals) if marks else _number_pattern(dtype)
        )
        yield "not_integer", unread & ~spelled
        yield "overflow", unread & spelled


def _text_name(name: str) -> str:
    """The name under which the text of a column stands beside its typed value."""
    return f"text of {name}"
