"""What wrong quotes cost: good records that are not loaded, for each kind of wrong quote in the corpus of defects.

`python -m tests.quote_costs` prints docs/quarantine.md's table. Each kind stands once, in the middle of a file of 200
good records, plain ones or quoted ones; a refused file loads none of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from flows.errors import DataError
from flows.lake.convert import convert_csv
from tests.unit.test_defects import (
    DEFECTS,
    HEADER,
    LATE_CLOSINGS,
    OPEN_QUOTES,
    ORDERS,
    STRETCHES,
    order,
    write,
)

GOOD = 200
KINDS: Mapping[str, list[str]] = {
    "a quote inside an unquoted field, or doubled wrongly": [
        text for text, records in DEFECTS.values() if any(code == "quoting" for code, _ in records)
    ],
    "text after a closing quote": list(LATE_CLOSINGS.values()),
    "a quote that is opened and not closed": list(OPEN_QUOTES.values()),
    "lines within quotes, of a wrong record": [text for text, _ in STRETCHES.values()],
}


def count_lost(folder: Path, text: str, *, quoted: bool) -> int | None:
    """How many of the good records are not loaded; None if the file is refused."""
    text = text.format("\n", order(GOOD))
    lines = [order(number, quoted=quoted) for number in range(GOOD)]
    lines.insert(GOOD // 2, text)
    path = write(folder, "\n".join([HEADER, *lines]) + "\n")
    try:
        return GOOD - convert_csv(path, ORDERS, folder / "out").rows_loaded
    except DataError:
        return None


def main() -> None:
    """Print a Markdown table."""
    print("| wrong quote | among | files | refused | good records lost in the others |\n|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        for kind, texts in KINDS.items():
            for quoted in (False, True):
                lost = [count_lost(Path(name), text, quoted=quoted) for text in texts]
                among, rest = "quoted" if quoted else "plain", sum(each or 0 for each in lost)
                print(f"| {kind} | {among} | {len(lost)} | {lost.count(None)} | {rest} |")


if __name__ == "__main__":
    main()
