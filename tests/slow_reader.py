"""An independent reader of CSV files, slow and plain: what the converter must agree with, byte for byte.

It shares no code with `flows` and uses no polars: loops over characters, `int`, `Decimal` and `datetime`. The six raw
tables are declared here a second time on purpose. `read_csv` takes the bytes of a file and returns the good rows
and the bad records, or raises `Refused`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

MAX_RECORD_BYTES = 4 * 1024 * 1024
MAX_CENTS = 10**15
INT64 = (-(2**63), 2**63 - 1)
LEAST_FIELDS_OF_PROOF = 3  # lines of fewer fields look sound too easily to prove that a quote is stray


class Refused(Exception):  # noqa: N818  (an outcome, not an error)
    """The whole file is refused; `record` is the record to name, None where it is not about one."""

    def __init__(self, why: str, record: int | None = None) -> None:
        super().__init__(why)
        self.record = record


@dataclass(frozen=True)
class Field:
    """One column. `least` and `most` bound the bytes of a text and the value of a number."""

    name: str
    kind: str  # text, integer, decimal, boolean, timestamp
    required: bool = True
    least: int | None = None
    most: int | None = None
    digits: tuple[int, int] = (0, 0)  # of a decimal: before and after the point


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


TABLES: dict[str, list[Field]] = {
    "raw_customers": [*_ids("id"), _text("name", 256)],
    "raw_orders": [
        *_ids("id", "customer"),
        Field("ordered_at", "timestamp"),
        *_ids("store_id"),
        *_cents("subtotal", "tax_paid", "order_total"),
    ],
    "raw_items": _ids("id", "order_id", "sku"),
    "raw_products": [
        *_ids("sku"),
        _text("name", 256),
        _text("type", 64),
        *_cents("price"),
        _text("description", 1024, required=False),
    ],
    "raw_stores": [
        *_ids("id"),
        _text("name", 256),
        Field("opened_at", "timestamp"),
        Field("tax_rate", "decimal", least=0, most=1, digits=(3, 6)),
    ],
    "raw_supplies": [*_ids("id"), _text("name", 256), *_cents("cost"), Field("perishable", "boolean"), *_ids("sku")],
}


def read_csv(data: bytes, fields: list[Field]) -> Read:
    """The rows and the bad records of a file. The fields of the good rows stand in the order of `fields`."""
    names = [field.name for field in fields]
    header, lines = _header_and_lines(data)
    if sorted(header) != sorted(names):
        raise Refused("header")
    found = Read()
    for row, (raw, code) in enumerate(split_records(lines, len(names)), 1):
        texts = None if code else strict_fields(raw)
        if texts is None:
            found.bad.append((row, f"record:{code}", raw))
            continue
        values = dict(zip(header, texts, strict=True))
        reasons = reasons_of(values, fields)
        if reasons:
            found.bad.append((row, ";".join(reasons), raw))
        else:
            found.good.append((row, *(value_of(values[field.name], field) for field in fields)))
    return found


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
    return header, lines[1:]


def split_records(lines: list[str], count: int) -> Iterator[tuple[str, str | None]]:
    """(text, structural code or None) of each record of the physical lines of a file with `count` columns."""
    at, row = 0, 0
    while at < len(lines):
        row += 1
        line, length = lines[at].removesuffix("\r"), 1
        if '"' in line and strict_fields(line) is None:
            length = _lines_of_record(lines, at, count)
            if length == 1 and is_open(line) and not _is_proven_stray(lines, at, count):
                raise Refused("quote", row)
        raw = "\n".join(lines[at : at + length]).removesuffix("\r")
        yield raw, _structure_code(raw, count)
        at += length


def _lines_of_record(lines: list[str], at: int, count: int) -> int:
    """How many lines the record has that starts at this line, which is no record by itself."""
    for end in range(at + 2, len(lines) + 1):
        if '"' not in lines[end - 1]:
            continue  # an open quote is not closed here
        raw = "\n".join(lines[at:end]).removesuffix("\r")
        if len(raw.encode()) > MAX_RECORD_BYTES:
            return 1
        fields = strict_fields(raw)
        if fields is not None:
            interior = lines[at + 1 : end - 1]
            looks_merged = len(fields) != count and count >= LEAST_FIELDS_OF_PROOF and interior
            return 1 if looks_merged and all(is_plain(line, count) for line in interior) else end - at
    return 1


def _is_proven_stray(lines: list[str], at: int, count: int) -> bool:
    """Whether what follows an open quote are sound plain records, up to the next quote or the end."""
    end = at + 1
    while end < len(lines) and '"' not in lines[end]:
        if not is_plain(lines[end], count):
            return False
        end += 1
    return count >= LEAST_FIELDS_OF_PROOF and (end > at + 1 or end == len(lines))


def is_plain(line: str, count: int) -> bool:
    """Whether a physical line is by itself, without any quote, a record of `count` fields."""
    fields = strict_fields(line.removesuffix("\r"))
    return '"' not in line and fields is not None and len(fields) == count


def is_open(line: str) -> bool:
    """Whether a quoted field is open at the end of the line, read leniently."""
    state = "start"
    for character in line:
        if state == "quoted":
            state = "closing" if character == '"' else "quoted"
        elif state == "closing" and character == '"':
            state = "quoted"
        elif character == ",":
            state = "start"
        elif state == "start" and character == '"':
            state = "quoted"
        else:
            state = "plain"
    return state == "quoted"


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
        return "quoting" if '"' in raw else "stray_cr"
    return None if len(fields) == count else "field_count"


def reasons_of(values: dict[str, str], fields: list[Field]) -> list[str]:
    """Every `column:code` of a record, columns in order."""
    reasons = [f"{field.name}:{code}" for field in fields for code in _codes(values[field.name], field)]
    if "order_total" in values:
        amounts = [_integer(values[name]) for name in ("subtotal", "tax_paid", "order_total")]
        if None not in amounts and amounts[0] + amounts[1] != amounts[2]:  # type: ignore[operator]
            reasons.append("order_total:sum_mismatch")
    return reasons


def _codes(text: str, field: Field) -> Iterator[str]:
    if text == "":
        yield from ["required"] * field.required
    elif field.kind == "text":
        size = len(text.encode())
        yield from ["nul_byte"] * ("\x00" in text)
        yield from _bounds(size, field, "too_short", "too_long")
    elif field.kind == "integer" and is_whole_number(text) and _integer(text) is None:
        yield "overflow"
    elif value_of(text, field) is None:
        yield f"not_{field.kind}"
    elif field.kind in ("integer", "decimal"):
        yield from _bounds(value_of(text, field), field, "below_min", "above_max")


def _bounds(value: Any, field: Field, below: str, above: str) -> Iterator[str]:
    if field.least is not None and value < field.least:
        yield below
    if field.most is not None and value > field.most:
        yield above


def value_of(text: str, field: Field) -> Any:
    """The typed value of a text; None where it is empty or not exactly a value of that kind."""
    if text == "":
        return None
    if field.kind == "text":
        return text
    if field.kind == "integer":
        return _integer(text)
    if field.kind == "decimal":
        return _decimal(text, *field.digits)
    if field.kind == "boolean":
        return {"True": True, "true": True, "False": False, "false": False}.get(text)
    return _timestamp(text)


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


def _timestamp(text: str) -> datetime | None:
    """`2026-03-01T10:00:00`, with or without six digits of a second; the calendar begins with year 1."""
    shape = "".join("0" if character in "0123456789" else character for character in text)
    formats = {"0000-00-00T00:00:00": "%Y-%m-%dT%H:%M:%S", "0000-00-00T00:00:00.000000": "%Y-%m-%dT%H:%M:%S.%f"}
    try:
        return datetime.strptime(text, formats[shape])  # noqa: DTZ007  (naive UTC by contract)
    except (KeyError, ValueError):
        return None
