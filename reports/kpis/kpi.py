"""What a KPI is: a question, a table of fixed columns, the sentence and the chart that answer it.

A frame as a warehouse driver returns it enters `check_frame`; a frame of the declared columns and dtypes leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import polars as pl
from plotnine import ggplot

from reports.formats import Format
from reports.kpis import usual
from reports.languages import join_sentences, mark, tr

MONEY = pl.Decimal(18, 2)
_DTYPES: dict[Format, pl.DataType] = {
    Format.ID: pl.String(),
    Format.NAME: pl.String(),
    Format.DATE: pl.Date(),
    Format.MONTH: pl.Date(),
    Format.MOMENT: pl.Datetime("us"),
    Format.FLAG: pl.Boolean(),
    Format.METHOD: pl.String(),
    Format.WEEKDAY: pl.Int64(),
    Format.HOUR: pl.Int64(),
    Format.INTEGER: pl.Int64(),
    Format.QUANTITY: pl.Float64(),
    Format.USD: MONEY,
    Format.SHARE: pl.Float64(),
    Format.RATE: pl.Float64(),
    Format.POINTS: pl.Float64(),
    Format.GROWTH: pl.Float64(),
}
_FORMATS = {
    r"\w+_id": Format.ID,
    r"(\w+_)?month_start_date": Format.MONTH,
    r"\w+_date": Format.DATE,
    r"\w+_at": Format.MOMENT,
    r"(is|has|was)_\w+": Format.FLAG,
    r"weekday_number": Format.WEEKDAY,
    r"hour_number": Format.HOUR,
    r"\w+_(count|days|number)": Format.INTEGER,
    r"\w+_usd": Format.USD,
    r"\w+_ratio": Format.SHARE,
}  # a name carries its unit
_RATIOS = (Format.QUANTITY, Format.SHARE, Format.RATE, Format.POINTS, Format.GROWTH)
_MAY_BE_NULL = (Format.NAME, *_RATIOS)  # a ratio has no value where it divides by 0
_MAX_EXACT_FLOAT = 2**53
_WIDE = pl.Decimal(38, 10)  # holds every integer of 64 bits and every NUMERIC that a sum or mean yields


@dataclass(frozen=True)
class Column:
    """One column of a KPI table; `label`, a message, heads it for readers and names its unit.

    What is not `on_page` follows from other columns or stands in another section; the CSV has it. Of those on the page
    the ones that decide are `on_paper` too: half a sheet holds five or six in letters that can be read.
    """

    name: str
    label: str
    format: Format
    nullable: bool = False
    on_page: bool = True
    on_paper: bool = True

    @property
    def dtype(self) -> pl.DataType:
        """The dtype that the format asks for."""
        return _DTYPES[self.format]

    @property
    def head(self) -> str:
        """The label in the reader's language."""
        return tr(self.label)

    @property
    def may_be_null(self) -> bool:
        """Names may be unknown, ratios undefined; ids, counts and amounts only where the column says so."""
        return self.nullable or self.format in _MAY_BE_NULL


def named_column(name: str, label: str) -> Column:
    """A column of the format that its name tells; a name without a unit is that of a text."""
    found = (how for pattern, how in _FORMATS.items() if re.fullmatch(pattern, name))
    return Column(name, label, next(found, Format.NAME))


@dataclass(frozen=True)
class Kpi:
    """`question` is what the retailer asks; `headline` and `chart` answer it from a checked frame.

    `definition` says how the numbers are made, `chart_shows` what a reader who cannot see the chart should know of it.
    These texts are messages: `say` translates them, with the numbers in `values` at their places; `asked` writes the
    question of a frame whose names belong in it. `totals` are the columns that may be summed over all rows; a table
    with `newest_first` is shown upside down, and `rank` brings the rows of one into the order of the chart. Sentence
    and chart follow from the columns where none are given (`reports.kpis.usual`). `heading` is the key of the part of
    the page that shows one of `reports.kpis.plain`. The page prints the first `printed_rows` of a long table: none of
    one that is read as a whole, as its chart shows it.
    """

    name: str
    title: str
    definition: str
    columns: tuple[Column, ...]
    question: str = ""
    chart_shows: str = mark("Chart of the numbers in the table.")
    heading: str = ""
    asked: Callable[[pl.DataFrame], str] | None = field(default=None, repr=False)
    headline: Callable[[pl.DataFrame], str] = field(default=None, repr=False)  # type: ignore[assignment]
    chart: Callable[..., ggplot] = field(default=None, repr=False)  # type: ignore[assignment]  # (frame, layout=WIDE)
    values: Mapping[str, int] = field(default_factory=dict)
    totals: tuple[str, ...] = ()
    newest_first: bool = False
    printed_rows: int = 3
    rank: Callable[[pl.DataFrame], pl.DataFrame] = field(default=lambda frame: frame, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError of a KPI without a number: nothing could be said or drawn."""
        if not self.numbers:
            raise ValueError(f"the KPI {self.name} has no column of numbers; declare one, e.g. order_count")
        for name, default in (("headline", usual.write_headline), ("chart", usual.draw_chart)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, partial(default, self))

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns that say what a row is: neither ids nor numbers."""
        return tuple(column for column in self.columns if not (column.format.is_number or column.format is Format.ID))

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The columns that are counted, summed or divided."""
        return tuple(column for column in self.columns if column.format.is_number)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name → polars dtype, in the order of the table."""
        return {column.name: column.dtype for column in self.columns}

    def ask(self, frame: pl.DataFrame) -> str:
        """The question in the reader's language, empty where there is none."""
        return self.asked(frame) if self.asked else self.question and self.say(self.question)

    def alt_text(self, frame: pl.DataFrame) -> str:
        """What the chart shows and what follows from it."""
        return join_sentences(self.say(self.chart_shows), self.headline(frame))

    def say(self, text: str) -> str:
        """One of this KPI's texts in the reader's language."""
        return tr(text, **self.values)


def last_year_start(as_of: date) -> date:
    """The first day of the last year, the 12 months that end on `as_of`: the day after the same date a year before.

    29 February counts from 28 February, as `is_in_last_year` of the dbt macros has it.
    """
    is_leap_day = (as_of.month, as_of.day) == (2, 29)
    return as_of.replace(year=as_of.year - 1, day=28 if is_leap_day else as_of.day) + timedelta(days=1)


def check_frame(kpi: Kpi, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in the columns, order and dtypes of the KPI; rows stay as they are, and no value changes.

    Drivers widen types (NUMERIC(38,4) sums, integers for counts, decimals for ratios): such columns are cast where
    every value survives. Raises ValueError that names all that is wrong.
    """
    problems = _column_problems(kpi.schema, frame)
    columns = []
    for column in kpi.columns if not problems else ():
        try:
            columns.append(_cast_column(column, frame[column.name]))
        except ValueError as error:
            problems.append(f"{column.name}: {error}")
    if problems:
        raise ValueError(f"the table of KPI {kpi.name} is not as declared\n" + "\n".join(f"  - {p}" for p in problems))
    return pl.DataFrame(columns)


def _column_problems(schema: Mapping[str, pl.DataType], frame: pl.DataFrame) -> list[str]:
    missing = [name for name in schema if name not in frame.columns]
    extra = [name for name in frame.columns if name not in schema]
    found = {"missing column": missing, "unexpected column": extra}
    return [f"{what}{'s' if len(names) > 1 else ''}: {', '.join(names)}" for what, names in found.items() if names]


def _cast_column(column: Column, values: pl.Series) -> pl.Series:
    if not _is_castable(values.dtype, column.format):
        raise ValueError(f"expected {column.dtype}, found {values.dtype}")
    try:
        cast = values.cast(column.dtype)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{values.dtype} does not fit {column.dtype}") from error
    changed = _count_changed(values, cast)
    if changed:
        raise ValueError(f"{changed} of {len(values)} values of {values.dtype} do not fit {column.dtype} exactly")
    if cast.dtype.is_float() and not cast.is_finite().all():
        raise ValueError(f"{(~cast.is_finite()).sum()} of {len(values)} values are not finite numbers")
    if cast.null_count() and not column.may_be_null:
        raise ValueError(f"{cast.null_count()} of {len(values)} values are null")
    return cast


def _is_castable(dtype: pl.DataType, how: Format) -> bool:
    if dtype == pl.Null:
        return True
    if how.is_text or how is Format.METHOD:
        return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    if how in (Format.DATE, Format.MONTH, Format.FLAG):
        return dtype == _DTYPES[how]
    if how is Format.MOMENT:
        return isinstance(dtype, pl.Datetime) and dtype.time_zone is None
    if how is Format.USD:
        return dtype.is_integer() or dtype.is_decimal()  # a float has lost the cents' exactness already
    return dtype.is_numeric()


def _count_changed(before: pl.Series, after: pl.Series) -> int:
    """How many values the cast changed; a decimal or large integer ratio may move to its nearest float."""
    if not before.dtype.is_numeric() or after.dtype.is_float():
        return 0
    if before.dtype.is_float():
        return int(((before != after.cast(before.dtype)) | (before.abs() > _MAX_EXACT_FLOAT)).sum())
    return int((before.cast(_WIDE) != after.cast(_WIDE)).sum())
