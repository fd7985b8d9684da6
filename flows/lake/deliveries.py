"""Which delivery is newer: the rule, written once. Names and moments in, dates and a text to sort by out.

Of two files of a table, the newer is the one with the later of, in this order:
1. the date in its name, else the day it was delivered (an undated file of the table's first delivery is older than
   every dated one: it is the state that the shop began with);
2. the moment it was delivered, which is when an ingest first saw these bytes under this name;
3. its name in natural order, without its extension: raw_orders < raw_orders-fix, x-2 < x-10.
Within a file the later record is the newer. `delivery_order` writes 1 to 3 as one text, so that SQL only sorts by it.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from flows.lake.sources import SUFFIXES

BEGINNING = date(1900, 1, 1)
END_OF_NAME = "\t"  # below every character of a printable name, so that a name is before all that begin with it
MAX_ONE_DIGIT = 8
# YYYY-MM-DD, YYYY_MM_DD, YYYYMMDD or YYYY-MM, of the years 1900 to 2199, and no digit beside it; as folders of a path
# also YYYY/MM/DD and year=YYYY/month=MM/day=DD, the last of which may lack its day
_DATE = re.compile(
    r"(?<!\d)(?P<year>19\d\d|20\d\d|21\d\d)"
    r"(?:(?P<mark>[-_])(?P<month>\d\d)(?P=mark)(?P<day>\d\d)"
    r"|(?P<month_glued>\d\d)(?P<day_glued>\d\d)"
    r"|/(?P<month_folder>\d\d)/(?P<day_folder>\d\d)(?=/)"
    r"|/month=(?P<month_named>\d\d?)(?:/day=(?P<day_named>\d\d?))?(?=/)"
    r"|-(?P<month_alone>\d\d)(?!-\d\d(?!\d)))(?!\d)",
    re.ASCII,
)
_DIGITS = re.compile(r"\d+", re.ASCII)


def find_date(file_name: str) -> date | None:
    """The last date in a file's name, a month being its first day; None if there is none.

    Spellings: YYYY-MM-DD, YYYY_MM_DD, YYYYMMDD, YYYY-MM; in folders also YYYY/MM/DD, year=YYYY/month=MM/day=DD. It must
    be in the calendar, of the years 1900 to 2199, and not glued to other digits: neither 20211301 nor 202105011200
    holds one. Of a path the file's own date counts, if it has one, for it is the last.
    """
    found = [_make_date(match) for match in _DATE.finditer(file_name)]
    return next((day for day in reversed(found) if day), None)


def delivery_date(file_name: str, delivered_at: datetime) -> date:
    """The date in the file's name, else the day it was delivered (naive UTC)."""
    return find_date(file_name) or delivered_at.date()


def valid_from_date(file_name: str, delivered_at: datetime, *, is_first: bool) -> date:
    """`delivery_date`; but the beginning of time for an undated file of the table's first delivery (`is_first`).

    So the same files give the same history, whether they were loaded day by day or all at once.
    """
    return find_date(file_name) or (BEGINNING if is_first else delivered_at.date())


def delivery_order(file_name: str, delivered_at: datetime, valid_from: date) -> str:
    """One text, at most 4,096 bytes of UTF-8 for a name of 1,024, whose byte order is the rule of this module.

    `2026-03-01 2026-03-02T06:00:00.000000 raw_orders-12…`: numbers are preceded by how many digits they have. The name
    as it is ends the text: it tells apart what is equal by the rule, such as raw_x.csv and raw_x.csv.gz.
    """
    moment = delivered_at.isoformat(timespec="microseconds")
    return f"{valid_from} {moment} {natural_order(file_name)}{END_OF_NAME}{file_name}"


def natural_order(file_name: str) -> str:
    """A text whose byte order is the natural order of names, without the extension: numbers count as numbers."""
    return _DIGITS.sub(_count_digits, _strip_extension(file_name))


def _strip_extension(file_name: str) -> str:
    longest_first = sorted(SUFFIXES, key=len, reverse=True)
    suffix = next((suffix for suffix in longest_first if file_name.lower().endswith(suffix)), "")
    return file_name[: len(file_name) - len(suffix)]


def _count_digits(match: re.Match[str]) -> str:
    """A number after its count of digits, so that longer is greater: 2 → 12, 10 → 210, and from nine digits 9dddd…"""
    digits = match[0].lstrip("0")
    count = str(len(digits)) if len(digits) <= MAX_ONE_DIGIT else f"9{len(digits):04}"
    return count + digits


def _make_date(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    kinds = ("", "_glued", "_folder", "_named")
    month = next((parts[f"month{kind}"] for kind in (*kinds, "_alone") if parts[f"month{kind}"]), "")
    day = next((parts[f"day{kind}"] for kind in kinds if parts[f"day{kind}"]), "1")
    try:
        return date(int(parts["year"]), int(month), int(day))
    except ValueError:  # the 30th of February, a 13th month
        return None
