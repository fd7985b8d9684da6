"""Random CSV files, broken at random, for a comparison of the converter with the slow reader.

`python -m tests.fuzz_convert --seconds 120` compares until the time is over and prints the smallest file found on
which the two disagree. The property tests draw from the same `make_case`.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dataframely as dy
import polars as pl

from flows.errors import DataError
from flows.lake import records, splitting
from flows.lake.contracts import CONTRACTS, Contract
from flows.lake.convert import Conversion, convert_csv
from flows.lake.terms import DEFAULT_TERMS, Terms
from tests.slow_reader import TABLES, Agreed, Field, Read, Refused, read_csv

BREAKS = '"",\n\r'
LONG = "long " * 14
VALUES = {
    "text": [
        "a",
        "b2",
        "é",
        "\u2028",
        '"',
        "a,b",
        "x\ny",
        "x\r\ny",
        "\r",
        " ",
        "",
        LONG,
        "\x00",
        '"",\n"',
        "日本",
        "1",
    ],
    "integer": ["0", "1", "60", "-5", "007", "+1", "", " 1", "1e3", "1.0", str(2**63), str(10**15 + 1), "x"],
    "decimal": ["0", "0.5", "1", "1.000001", "-0.5", "00.5", ".5", "0.", "0.0000001", "1e-2", ""],
    "boolean": ["True", "false", "yes", "TRUE", "0", ""],
    "timestamp": [
        "2026-03-01T10:00:00",
        "2024-02-29T23:59:59.000001",
        "2026-03-08T10:00:00+02:00",
        "2026-03-08T10:00:00.000002-0530",
        "2026-03-08T07:30:00Z",
        "2026-11-01T06:30:00.000003+00:00",
        "2100-01-01T00:00:00Z",
        "2026-03-08T10:00:00+15:00",
        "2026-03-08 10:00:00",
        "2026-03-08 10:00",
        "2026-03-08T10:00:00  ",
        "2026-02-29T00:00:00",
        "2026-02-29T00:00:00Z",
        "2026-03-01",
        "now",
        "Z",
        "",
    ],
    "currency": ["USD", "", "EUR", "usd", "US\x00", "$"],
    "zone": ["Europe/Berlin", "America/New_York", "UTC", "", "Mars/Base", "localtime", "europe/berlin", "\x00", LONG],
}
GOOD = {  # how many of them are good, from the left
    "text": 4,
    "integer": 3,
    "decimal": 3,
    "boolean": 2,
    "timestamp": 4,
    "currency": 2,
    "zone": 4,
}
ZONES = {"a": "America/New_York", "b2": "Asia/Kolkata", "é": "Mars/Base"}
EXTRA = ("extra", "", "_row", "Time_Zone", "text of id", 'a "b", c')


class One(dy.Schema):
    """A table of a single column, where a blank line is a record."""

    only = dy.String(nullable=True, min_length=1, max_length=64)


class Two(dy.Schema):
    """Too few columns for lines to prove anything about a stray quote."""

    key = dy.Int64(nullable=False)
    note = dy.String(nullable=True, min_length=1, max_length=64)


class Three(dy.Schema):
    """Just enough columns, short values, an optional last one: sound lines come about by accident."""

    key = dy.String(nullable=False, min_length=1, max_length=64)
    count = dy.Int64(nullable=True)
    note = dy.String(nullable=True, min_length=1, max_length=64)


TABLE_FIELDS: dict[str, list[Field]] = TABLES | {
    "one": [Field("only", "text", required=False, least=1, most=64)],
    "two": [Field("key", "integer"), Field("note", "text", required=False, least=1, most=64)],
    "three": [
        Field("key", "text", least=1, most=64),
        Field("count", "integer", required=False),
        Field("note", "text", required=False, least=1, most=64),
    ],
}
TABLE_CONTRACTS = CONTRACTS | {
    "one": Contract("one", One),
    "two": Contract("two", Two),
    "three": Contract("three", Three),
}
FREQUENT = ("three", "raw_items", "three", "two", "one", "raw_stores", *CONTRACTS)


@dataclass(frozen=True)
class Case:
    """A table, the text of a file after its header, and the sizes of blocks to read it in.

    The header is `columns`; without them, the columns that the table must have.
    """

    table: str
    body: str
    block_bytes: tuple[int, ...] = (1, 1 << 20)
    columns: tuple[str, ...] = ()
    allow_extra: bool = False

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(self.columns or required_columns(self.table))
        return (header.getvalue() + self.body).encode()


def required_columns(table: str) -> list[str]:
    """The columns that a file of the table must have."""
    return [field.name for field in TABLE_FIELDS[table] if not field.optional]


def make_case(rng: random.Random) -> Case:
    """A table of random values in some dialect, broken in up to four places."""
    table = rng.choice(FREQUENT)
    columns = _columns(rng, table)
    fields = {field.name: field for field in TABLE_FIELDS[table]}
    kinds = [fields[name].kind if name in fields else "text" for name in columns]
    body = "".join(_record(rng, kinds) for _ in range(rng.randrange(9)))
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4))):
        body = rng.choice(MUTATIONS)(rng, body)
    sizes = (1, 2, 3, 7, 16, 40, 100, 1 << 20)
    blocks = (rng.choice(sizes), rng.randrange(1, 80 + len(body)))
    return Case(table, body, blocks, tuple(columns), allow_extra=rng.randrange(4) > 0)


def _columns(rng: random.Random, table: str) -> list[str]:
    """The columns of a file: in any order, with optional ones or without; some that nobody knows, rarely one twice."""
    columns = [field.name for field in TABLE_FIELDS[table] if not field.optional or rng.randrange(2)]
    if rng.randrange(3) == 0:
        rng.shuffle(columns)
    for name in rng.sample(EXTRA, rng.choice((0, 0, 0, 1, 2))):
        columns.insert(rng.randrange(len(columns) + 1), name)
    if rng.randrange(50) == 0:
        columns.append(rng.choice(columns))
    return columns


def _record(rng: random.Random, kinds: list[str]) -> str:
    values = [VALUES[kind][rng.randrange(GOOD[kind])] for kind in kinds]
    if rng.randrange(3) == 0:
        at = rng.randrange(len(kinds))
        values[at] = rng.choice(VALUES[kinds[at]])
    dialects = (csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE)
    text, quoting = io.StringIO(), rng.choice(dialects[: 3 + (len(kinds) > 1)])
    line_end = rng.choice(("\n", "\n", "\n", "\r\n"))
    csv.writer(text, quoting=quoting, escapechar="\\", lineterminator=line_end).writerow(values)
    return text.getvalue()


def _insert(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(BREAKS) + text[at:]


def _remove(rng: random.Random, text: str) -> str:
    places = [match.start() for match in re.finditer(f"[{BREAKS}]", text)]
    at = rng.choice(places) if places else 0
    return text[:at] + text[at + 1 :]


def _double(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at : at + 1] + text[at:]


def _swap_lines(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _repeat_header(rng: random.Random, text: str) -> str:
    """A line of names where a line begins; the header is the first such set of names by chance only."""
    places = [0] + [match.end() for match in re.finditer("\n", text)]
    at = rng.choice(places)
    return text[:at] + rng.choice(("key,count,note\n", '"id","order_id",sku\n', "only\n", "\n\n")) + text[at:]


def _truncate(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _open_a_field(rng: random.Random, text: str) -> str:
    """A quote where a field starts: the one place where it can swallow what follows."""
    places = [0] + [match.end() for match in re.finditer("[,\n]", text)]
    at = rng.choice(places)
    return text[:at] + '"' + text[at:]


MUTATIONS = (_repeat_header, _insert, _insert, _remove, _double, _swap_lines, _truncate, _open_a_field, _open_a_field)


def expect(case: Case) -> Read | Refused:
    """What the slow reader makes of the file."""
    try:
        return read_csv(case.data, TABLE_FIELDS[case.table], Agreed(allow_extra=case.allow_extra, zones=ZONES))
    except Refused as refused:
        return refused


def convert(
    path: Path, contract: Contract, folder: Path, block_bytes: int = 1 << 20, terms: Terms = DEFAULT_TERMS
) -> Read | Refused:
    """What the converter makes of the file, in the slow reader's words; the counts are checked on the way.

    What is odd in a block is judged record by record, or all of it is if that is much: here both, and they must agree.
    """
    with patch.object(records, "FEW", 1), patch.object(splitting, "FEW_LINES", 0):
        found = _convert(path, contract, folder, block_bytes, terms)
    with patch.object(records, "FEW", sys.maxsize):
        again = _convert(path, contract, folder, block_bytes, terms)
    assert _outcome(found) == _outcome(again), f"{_outcome(found)} if few records are odd, {_outcome(again)} if many"
    return found


def _convert(path: Path, contract: Contract, folder: Path, block_bytes: int, terms: Terms) -> Read | Refused:
    try:
        conversion = convert_csv(path, contract, folder, block_bytes=block_bytes, terms=terms)
    except DataError as error:
        record = re.search(r"\brecord (\d+)", str(error))
        return Refused(str(error), int(record[1]) if record else None)
    found = Read(read_good(conversion, contract), read_bad(conversion))
    counts = (conversion.rows_in, conversion.rows_loaded, conversion.rows_quarantined)
    assert counts == (len(found.good) + len(found.bad), len(found.good), len(found.bad))
    return found


def read_good(conversion: Conversion, contract: Contract) -> list[tuple[Any, ...]]:
    """The loaded rows in the order of the file, as (record number, *values)."""
    frames = [pl.read_parquet(part.path, glob=False).select("_row", *contract.columns) for part in conversion.parts]
    return sorted((row for frame in frames for row in frame.rows()), key=lambda row: row[0])


def read_bad(conversion: Conversion) -> list[tuple[int, str, str]]:
    """The quarantined records, as (record number, reason, raw text)."""
    if conversion.quarantine is None:
        return []
    return pl.read_parquet(conversion.quarantine.path, glob=False).select("_row", "reason", "raw").rows()


def disagreement(case: Case, folder: Path) -> str | None:
    """How the converter and the slow reader differ on the case, None if they agree."""
    path, expected = folder / f"{case.table}.csv", expect(case)
    path.write_bytes(case.data)
    for block_bytes in case.block_bytes:
        terms = Terms(allow_extra_columns=case.allow_extra, time_zones=lambda: ZONES)
        found = convert(path, TABLE_CONTRACTS[case.table], folder / "out", block_bytes, terms)
        if _outcome(found) != _outcome(expected):
            return f"in blocks of {block_bytes}:\n  found    {_outcome(found)}\n  expected {_outcome(expected)}"
    return None


def _outcome(outcome: Read | Refused) -> object:
    return ("refused", outcome.record) if isinstance(outcome, Refused) else outcome


def shrink(case: Case, folder: Path) -> Case:
    """A case with a shorter text that still disagrees."""
    for size in (64, 16, 4, 2, 1):
        at = 0
        while at < len(case.body):
            shorter = replace(case, body=case.body[:at] + case.body[at + size :])
            if _fails(shorter, folder):
                case = shorter
            else:
                at += size
    return case


def _fails(case: Case, folder: Path) -> bool:
    try:
        return disagreement(case, folder) is not None
    except Exception:  # a crash of the converter is a failure too
        return True


def main() -> int:
    """Compare until the time is over or the two disagree."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="how long to look")
    options.add_argument("--seed", type=int, default=0, help="number of the first case")
    given = options.parse_args()
    warnings.simplefilter("error")
    end, seed = time.monotonic() + given.seconds, given.seed
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for _ in range(100):
                case = make_case(random.Random(seed))
                if _fails(case, folder):
                    smallest = shrink(case, folder)
                    print(f"seed {seed}: {smallest!r}\n{disagreement(smallest, folder)}")
                    return 1
                seed += 1
    print(f"{seed - given.seed} cases, no disagreement")
    return 0


if __name__ == "__main__":
    sys.exit(main())
