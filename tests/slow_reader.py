"""An independent reader of CSV files, slow and plain: what the converter must agree with, byte for byte.

It shares no code with `flows` and uses no polars: loops over characters, `int`, `Decimal` and `datetime`. The raw
tables are declared here a second time on purpose. `read_csv` takes the bytes of a file and returns the good rows
and the bad records, or raises `Refused`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

MAX_RECORD_BYTES = 4 * 1024 * 1024
MAX_TEXT_BYTES = 65_535
MAX_CENTS = 10**15
INT64 = (-(2**63), 2**63 - 1)


class Refused(Exception):  # noqa: N818  (an outcome, not an error)
    """The whole file is refused; `record` is the record to name, None where it is not about one."""

    def __init__(self, why: str, record: int | None = None) -> None:
        super().__init__(why)
        self.record = record


@dataclass(frozen=True)
class Field:
    """One column. `least` and `most` bound the bytes of a text and the value of a number."""

    name: str
    kind: str  # text, integer, decimal, boolean, timestamp, zone; currency is compared, but not kept
    required: bool = True
    least: int | None = None
    most: int | None = None
    digits: tuple[int, int] = (0, 0)  # of a decimal: before and after the point
    optional: bool = False  # the header may lack it
    zone: str = ""  # of a timestamp: the column that names its time zone
    store: str = ""  # of a timestamp: the column that names the store whose time zone it is


@dataclass(frozen=True)
class Agreed:
    """What is agreed beyond the tables: the currency, whether unknown columns may come, store → time zone."""

    currency: str = "USD"
    allow_extra: bool = False
    zones: dict[str, str] = field(default_factory=dict)


NOTHING_SPECIAL = Agreed()


@dataclass(frozen=True)
class Read:
    """Good rows as (record number, *values), bad records as (record number, reason, raw text)."""

    good: list[tuple[Any, ...]] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)


def _text(name: str, most: int, *, required: bool = True) -> Field:
    return Field(name, "text", required, 1, most)


def _ids(*names: str) -> list[Field]:
    return [_text(name, 64) for name in names]


def _cents(*names: str) -> list[Field]:
    return [Field(name, "integer", least=0, most=MAX_CENTS) for name in names]


CURRENCY = Field("currency", "currency", required=False, optional=True)
TABLES: dict[str, list[Field]] = {
    "raw_customers": [*_ids("id"), _text("name", 256)],
    "raw_orders": [
        *_ids("id", "customer"),
        Field("ordered_at", "timestamp", store="store_id"),
        *_ids("store_id"),
        *_cents("subtotal", "tax_paid", "order_total"),
        CURRENCY,
    ],
    "raw_items": _ids("id", "order_id", "sku"),
    "raw_products": [
        *_ids("sku"),
        _text("name", 256),
        _text("type", 64),
        *_cents("price"),
        _text("description", 1024, required=False),
        CURRENCY,
    ],
    "raw_stores": [
        *_ids("id"),
        _text("name", 256),
        Field("opened_at", "timestamp", zone="time_zone"),
        Field("tax_rate", "decimal", least=0, most=1, digits=(3, 6)),
        Field("time_zone", "zone", required=False, most=64, optional=True),
    ],
    "raw_supplies": [
        *_ids("id"),
        _text("name", 256),
        *_cents("cost"),
        Field("perishable", "boolean"),
        *_ids("sku"),
        CURRENCY,
    ],
    "raw_refunds": [
        *_ids("id", "order_id"),
        _text("item_id", 64, required=False),
        Field("refunded_at", "timestamp"),
        *_cents("amount", "tax_amount"),
        _text("reason", 256, required=False),
        CURRENCY,
    ],
    "raw_stock_counts": [
        *_ids("store_id", "supply_id"),
        Field("counted_at", "timestamp", store="store_id"),
        Field("unit_count", "integer", least=0, most=10**12),
    ],
}


def kept(fields: list[Field]) -> list[Field]:
    """The fields that are stored."""
    return [field for field in fields if field.kind != "currency"]


def read_csv(data: bytes, fields: list[Field], agreed: Agreed = NOTHING_SPECIAL) -> Read:
    """The rows and the bad records of a file. The stored fields of the good rows stand in the order of `fields`."""
    header, lines = _header_and_lines(data)
    _check_header(header, fields, agreed)
    found, foreign = Read(), []
    for row, (raw, code) in enumerate(split_records(lines, len(header)), 1):
        texts = None if code else strict_fields(raw)
        if texts is None:
            found.bad.append((row, f"record:{code}", raw))
            continue
        values = dict.fromkeys((field.name for field in fields), "") | dict(zip(header, texts, strict=True))
        if texts != header and values.get("currency", "") not in ("", agreed.currency) and CURRENCY in fields:
            foreign.append(row)
        if texts == header:
            found.bad.append((row, "record:repeated_header", raw))
            continue
        reasons = reasons_of(values, fields, agreed)
        if reasons:
            found.bad.append((row, ";".join(reasons), raw))
        else:
            found.good.append((row, *(_value(values, field, agreed) for field in kept(fields))))
    if foreign:
        raise Refused("currency", foreign[0])
    return found


def _check_header(header: list[str], fields: list[Field], agreed: Agreed) -> None:
    known = [field.name for field in fields]
    is_missing = any(field.name not in header and not field.optional for field in fields)
    is_unknown = any(name not in known for name in header) and not agreed.allow_extra
    if is_missing or is_unknown or len(set(header)) < len(header):
        raise Refused("header")


def _header_and_lines(data: bytes) -> tuple[list[str], list[str]]:
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("UTF-16")
    lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8").split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise Refused("empty")
    header = strict_fields(lines[0].removesuffix("\r"))
    if header is None:
        raise Refused("header")
    while len(header) > 1 and len(lines) > 1 and lines[-1] in ("", "\r"):
        lines.pop()
    return header, lines[1:]


def split_records(lines: list[str], count: int) -> Iterator[tuple[str, str | None]]:
    """(text, structural code or None) of each record of the physical lines of a file with `count` columns."""
    at, row = 0, 0
    while at < len(lines):
        row += 1
        length = _lines_of_record(lines, at) if '"' in lines[at] else 1
        if length is None:
            raise Refused("quote", row)
        raw = "\n".join(lines[at : at + length]).removesuffix("\r")
        yield raw, _structure_code(raw, count)
        at += length


def _lines_of_record(lines: list[str], at: int) -> int | None:
    """How many lines the record has that starts at this line; None if that cannot be proven.

    A record that is CSV, or has quotes in unquoted fields only, has one end. Any other ends where both who take a
    single quote within quotes for the end of a field and who take it for text end a record; the latter are wrong if
    the field never ends.
    """
    closing = lenient_end(lines, at, is_text=False)
    if closing is None or strict_fields("\n".join(lines[at:closing]).removesuffix("\r")) is not None:
        return closing and closing - at
    if closing > at + 1 and _size(lines[at:closing]) > MAX_RECORD_BYTES:
        return None
    literal = lenient_end(lines, at, is_text=True)
    if literal is None or _size(lines[at:literal]) > MAX_TEXT_BYTES:
        return closing - at
    while closing != literal:
        if closing < literal:
            closing = lenient_end(lines, closing, is_text=False)
        else:
            literal = lenient_end(lines, literal, is_text=True)
        if closing is None or literal is None or _size(lines[at : max(closing, literal)]) > MAX_TEXT_BYTES:
            return None
    return closing - at


def _size(lines: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def lenient_end(lines: list[str], at: int, *, is_text: bool) -> int | None:  # noqa: C901  one state machine
    """The line after the record that starts at this line, if a single quote within quotes is text, or else closes."""
    state = "start"
    for end in range(at, len(lines)):
        line = lines[end].removesuffix("\r")
        position = 0
        while position < len(line):
            character, following = line[position], line[position + 1 : position + 2]
            if state == "quoted" and character == '"':
                if following == '"':
                    position += 1
                elif not is_text or following in ("", ","):
                    state = "plain"
            elif state == "start" and character == '"':
                state = "quoted"
            elif state != "quoted":
                state = "start" if character == "," else "plain"
            position += 1
        if state != "quoted":
            return end + 1
    return None


def strict_fields(raw: str) -> list[str] | None:
    """The fields of one record after RFC 4180 (any number of them), None if it is not one."""
    fields, value, state = [], "", "start"
    for character in raw:
        if state == "quoted":
            state = "closing" if character == '"' else "quoted"
            value += "" if character == '"' else character
        elif state == "closing" and character == '"':
            state, value = "quoted", value + '"'
        elif character == ",":
            fields.append(value)
            state, value = "start", ""
        elif state == "start" and character == '"':
            state = "quoted"
        elif state == "closing" or character in '"\r\n':
            return None
        else:
            state, value = "plain", value + character
    return None if state == "quoted" else [*fields, value]


def _structure_code(raw: str, count: int) -> str | None:
    if len(raw.encode()) > MAX_RECORD_BYTES:
        return "too_long"
    fields = strict_fields(raw)
    if fields is None:
        wrong_quote = "doubtful_lines" if "\n" in raw else "quoting"
        return wrong_quote if '"' in raw else "stray_cr"
    return None if len(fields) == count else "field_count"


def reasons_of(values: dict[str, str], fields: list[Field], agreed: Agreed) -> list[str]:
    """Every `column:code` of a record, columns in order."""
    reasons = [f"{field.name}:{code}" for field in kept(fields) for code in _codes(values, field, agreed)]
    if "order_total" in values:
        amounts = [_integer(values[name]) for name in ("subtotal", "tax_paid", "order_total")]
        if None not in amounts and amounts[0] + amounts[1] != amounts[2]:  # type: ignore[operator]
            reasons.append("order_total:sum_mismatch")
    return reasons


def _codes(values: dict[str, str], field: Field, agreed: Agreed) -> Iterator[str]:
    text = values[field.name]
    if text == "":
        yield from ["required"] * field.required
    elif field.kind in ("text", "zone"):
        size = len(text.encode())
        yield from ["nul_byte"] * ("\x00" in text)
        yield from ["not_time_zone"] * (field.kind == "zone" and find_zone(text) is None)
        yield from _bounds(size, field, "too_short", "too_long")
    elif field.kind == "integer" and is_whole_number(text) and _integer(text) is None:
        yield "overflow"
    elif _value(values, field, agreed) is None:
        is_utc = field.kind == "timestamp" and _timestamp(text, UTC) is not None
        yield "utc_needs_time_zone" if is_utc else f"not_{field.kind}"
    elif field.kind in ("integer", "decimal"):
        yield from _bounds(_value(values, field, agreed), field, "below_min", "above_max")


def _bounds(value: Any, field: Field, below: str, above: str) -> Iterator[str]:
    if field.least is not None and value < field.least:
        yield below
    if field.most is not None and value > field.most:
        yield above


def _value(values: dict[str, str], field: Field, agreed: Agreed) -> Any:
    """The typed value of a field; None where it is empty or not exactly a value of that kind."""
    text = values[field.name]
    if text == "":
        return None
    if field.kind == "timestamp":
        name = values[field.zone] if field.zone else ""
        if field.store:
            name = agreed.zones.get(values[field.store], "")
        return _timestamp(text, find_zone(name))
    return _plain_value(text, field)


def _plain_value(text: str, field: Field) -> Any:
    if field.kind in ("text", "zone"):
        return text
    if field.kind == "integer":
        return _integer(text)
    if field.kind == "decimal":
        return _decimal(text, *field.digits)
    return {"True": True, "true": True, "False": False, "false": False}.get(text)


def is_whole_number(text: str) -> bool:
    """Whether the text is a whole number in its one spelling: no sign but a minus, no zero in front."""
    digits = text.removeprefix("-")
    return text == "0" or (_are_digits(digits) and digits[0] != "0")


def _are_digits(text: str) -> bool:
    return text != "" and all(character in "0123456789" for character in text)


def _integer(text: str) -> int | None:
    if not is_whole_number(text):
        return None
    value = int(text)
    return value if INT64[0] <= value <= INT64[1] else None


def _decimal(text: str, before: int, after: int) -> Decimal | None:
    whole, point, rest = text.removeprefix("-").partition(".")
    if whole != "0" and (not is_whole_number(whole) or len(whole) > before):
        return None
    if point and not (_are_digits(rest) and len(rest) <= after):
        return None
    return Decimal(text)


def find_zone(name: str) -> tzinfo | None:
    """The time zone of that name; the files beside the zones are none."""
    if name in ("", "localtime", "Factory") or name.startswith(("posix", "right")):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _timestamp(text: str, zone: tzinfo | None) -> datetime | None:
    """The time on the wall: what stands before an offset, or a time in UTC seen from the zone, if that is known."""
    for size in (1, 5, 6):
        offset = _offset(text[-size:])
        if offset is not None:
            moment = _moment(text[:-size])
            if offset or moment is None:
                return moment
            if zone is None or not 1900 <= moment.year <= 2099:
                return moment if size > 1 else None  # +00:00 is an offset like others, where no zone tells better
            return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return _moment(text)


def _offset(text: str) -> int | None:
    """Minutes of `+02:00`, `-0530`, `Z`; None if it is no offset."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "", 1) if text[3:4] == ":" else text[1:]
    if text[:1] not in ("+", "-") or len(digits) != 4 or not _are_digits(digits):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:])
    return hours * 60 + minutes if hours <= 14 and minutes <= 59 else None


def _moment(text: str) -> datetime | None:
    """`2026-03-01T10:00:00`, a space for T, no seconds or six digits of one more; the calendar begins with year 1."""
    shape = "".join("0" if character in "0123456789" else character for character in text)
    formats = {"0000-00-00T00:00": "", "0000-00-00T00:00:00": ":%S", "0000-00-00T00:00:00.000000": ":%S.%f"}
    try:
        return datetime.strptime(text.replace(" ", "T"), "%Y-%m-%dT%H:%M" + formats[shape.replace(" ", "T")])  # noqa: DTZ007  (local time by contract)
    except (KeyError, ValueError):
        return None
