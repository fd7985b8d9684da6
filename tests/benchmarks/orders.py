"""raw_orders CSV files of any size, made from a seed: a clean one and one with known bad records.

About 76 bytes a record. In the dirty file one record in a thousand is bad, of every kind of `DEFECTS` in turn; which
reason each must be given is known, so a benchmark can tell whether a converter was right and not only fast.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

SEED = 20261123
VERSION = 3  # raise it when the records or their reasons change, so that cached files are made again
COLUMNS = ("id", "customer", "ordered_at", "store_id", "subtotal", "tax_paid", "order_total")
BAD_EVERY = 1000
CHUNK = 500_000
_HEX = np.array([f"{octet:02x}" for octet in range(256)], dtype="S2")

Fields = list[str]


@dataclass(frozen=True)
class OrdersFile:
    """A generated file: its records and how many of them must be set aside for which joined reason."""

    path: Path
    rows: int
    reasons: dict[str, int]
    check: dict[str, int]  # of the good records: their number, and the sums of order_total and of _row

    @property
    def bad(self) -> int:
        """How many records must be set aside."""
        return sum(self.reasons.values())


def _put(column: str, value: str) -> Callable[[Fields], Fields]:
    index = COLUMNS.index(column)
    return lambda fields: [*fields[:index], value, *fields[index + 1 :]]


def _negative_tax(fields: Fields) -> Fields:
    return [*fields[:5], "-5", str(int(fields[4]) - 5)]


def _huge_amount(fields: Fields) -> Fields:
    return [*fields[:4], str(10**16), fields[5], str(10**16 + int(fields[5]))]


DEFECTS: tuple[tuple[str, Callable[[Fields], Fields]], ...] = (
    ("record:field_count", lambda fields: fields[:6]),
    ("record:field_count", lambda fields: fields[:1]),
    ("record:field_count", lambda _: [""]),
    ("record:field_count", lambda fields: [*fields, "17"]),
    ("record:field_count", lambda fields: [*fields, ""]),
    ("record:quoting", lambda fields: [fields[0], f'{fields[1]}"x"', *fields[2:]]),
    ("record:quoting", lambda fields: [f'"{fields[0]}" ', *fields[1:]]),
    ("record:stray_cr", lambda fields: [fields[0], f"{fields[1]}\r", *fields[2:]]),
    ("id:required", _put("id", "")),
    ("customer:required", _put("customer", "")),
    ("order_total:required", _put("order_total", "")),
    ("id:too_long", _put("id", "x" * 65)),
    ("customer:too_long", _put("customer", "é" * 33)),
    ("store_id:nul_byte", _put("store_id", "a\x00b")),
    ("ordered_at:not_timestamp", _put("ordered_at", "2024-02-30T10:00:00")),
    ("ordered_at:not_timestamp", _put("ordered_at", "2024-03-01  10:00:00")),
    ("ordered_at:not_timestamp", _put("ordered_at", "01/03/2024 10:00")),
    ("ordered_at:utc_needs_time_zone", _put("ordered_at", "2024-03-01T10:00:00Z")),
    ("ordered_at:not_timestamp", _put("ordered_at", "2024-3-1T10:00:00")),
    ("subtotal:not_integer", _put("subtotal", "19.07")),
    ("subtotal:not_integer", _put("subtotal", "1e3")),
    ("subtotal:not_integer", _put("subtotal", "007")),
    ("tax_paid:not_integer", _put("tax_paid", "+1")),
    ("tax_paid:not_integer", _put("tax_paid", " 1")),
    ("tax_paid:not_integer", _put("tax_paid", "-0")),
    ("order_total:not_integer", _put("order_total", "NaN")),
    ("order_total:overflow", _put("order_total", "9223372036854775808")),
    ("tax_paid:below_min", _negative_tax),
    ("subtotal:above_max;order_total:above_max", _huge_amount),
    ("order_total:sum_mismatch", _put("order_total", "1")),
    ("subtotal:not_integer;order_total:required", lambda fields: [*fields[:4], "n/a", fields[5], ""]),
)


def make_orders(folder: Path, rows: int, *, dirty: bool) -> OrdersFile:
    """The file of `rows` orders in `folder`; one that is there already, of this size, seed and version, is used."""
    path = folder / f"raw_orders_{rows}_{'dirty' if dirty else 'clean'}.csv"
    note = path.with_suffix(".json")
    identity = {"rows": rows, "seed": SEED, "version": VERSION}
    if path.exists() and note.exists():
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["identity"] == {**identity, "size": path.stat().st_size}:
            return OrdersFile(path, **known["file"])
    folder.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    made = _write(path, rows, dirty=dirty)
    facts = {key: value for key, value in asdict(made).items() if key != "path"}
    identity["size"] = path.stat().st_size
    note.write_text(json.dumps({"identity": identity, "file": facts}), encoding="utf-8")
    return made


def _write(path: Path, rows: int, *, dirty: bool) -> OrdersFile:
    generator = np.random.default_rng(SEED)
    minutes = _spell_minutes()
    reasons: Counter[str] = Counter()
    check = {"rows": 0, "sum_order_total": 0, "sum_row": 0}
    with path.open("wb") as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for start in range(0, rows, CHUNK):
            frame = _orders(generator, min(CHUNK, rows - start), minutes)
            good = np.ones(len(frame), dtype=bool)
            lines = frame.select(line=pl.concat_str(pl.all(), separator=","))["line"]
            if dirty:
                lines, good = _spoil(frame, lines, start // BAD_EVERY, reasons)
            lines.to_frame().write_csv(file, include_header=False, quote_style="never")
            check["rows"] += int(good.sum())
            check["sum_order_total"] += int(frame["order_total"].to_numpy()[good].sum())
            check["sum_row"] += int((np.flatnonzero(good) + start + 1).sum())
    return OrdersFile(path, rows, dict(reasons), check)


def _orders(generator: np.random.Generator, count: int, minutes: pl.Series) -> pl.DataFrame:
    """`count` orders; an eighth of them by returning customers, in six stores, over three years."""
    customers = generator.integers(0, 256, (max(count // 8, 1), 8), dtype=np.uint8)
    stores = np.frombuffer(bytes(range(16, 40)), dtype=np.uint8).reshape(6, 4)
    subtotal = generator.integers(3, 80, count) * 50 + 50
    tax = (subtotal * np.array([4, 6, 7, 8])[generator.integers(0, 4, count)] + 50) // 100
    return pl.DataFrame(
        {
            "id": _hexadecimal(generator.integers(0, 256, (count, 8), dtype=np.uint8)),
            "customer": _hexadecimal(customers[generator.integers(0, len(customers), count)]),
            "ordered_at": minutes.gather(generator.integers(0, len(minutes), count)),
            "store_id": _hexadecimal(stores[generator.integers(0, len(stores), count)]),
            "subtotal": subtotal,
            "tax_paid": tax,
            "order_total": subtotal + tax,
        }
    )


def _spoil(frame: pl.DataFrame, lines: pl.Series, turn: int, reasons: Counter[str]) -> tuple[pl.Series, np.ndarray]:
    """Replace one line in every `BAD_EVERY` by a bad one; which kind it is goes on from `turn`."""
    places = np.arange(BAD_EVERY // 2, len(lines), BAD_EVERY)
    bad = []
    for number, row in enumerate(frame[places].iter_rows()):
        reason, defect = DEFECTS[(turn + number) % len(DEFECTS)]
        bad.append(",".join(defect([str(value) for value in row])))
        reasons[reason] += 1
    good = np.ones(len(lines), dtype=bool)
    good[places] = False
    return lines.scatter(places, bad), good


def _spell_minutes() -> pl.Series:
    """Every minute of three years, as text."""
    minutes = pl.datetime_range(datetime(2023, 1, 1), datetime(2025, 12, 31), "1m", eager=True)
    return minutes.dt.to_string("%Y-%m-%dT%H:%M:%S")


def _hexadecimal(octets: np.ndarray) -> pl.Series:
    """Rows of bytes → a String of two digits a byte."""
    width = octets.shape[1] * 2
    text = pa.py_buffer(np.ascontiguousarray(_HEX[octets]))
    offsets = pa.py_buffer(np.arange(len(octets) + 1, dtype=np.int64) * width)
    return pl.Series(pl.from_arrow(pa.LargeStringArray.from_buffers(len(octets), offsets, text)), dtype=pl.String)
