"""The header of a file against the contract of its table: nothing required is missing, nothing is twice.

A column that no contract knows refuses the file, unless the run's terms let it come and be left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flows.errors import DataError
from flows.lake.contracts import Contract
from flows.lake.quarantine import MAX_EXAMPLES
from flows.lake.sources import printable

MAX_NAME_SHOWN = 40


def check_header(name: str, header: Sequence[str], contract: Contract, *, allow_extra: bool = False) -> None:
    """Raise DataError unless the header has the contract's columns, in any order; it may lack the optional ones."""
    faults = {
        "missing": [column for column in contract.required if column not in header],
        "unknown": [] if allow_extra else find_extra(header, contract),
        "twice": [column for column, count in Counter(header).items() if count > 1],
    }
    if any(faults.values()):
        raise DataError(f"{name}: {_describe(faults, contract)}")


def find_extra(header: Sequence[str], contract: Contract) -> list[str]:
    """The columns of a header that the contract does not know, in the order of the header."""
    known = {*contract.columns, *contract.check_only}
    return [column for column in header if column not in known]


def quoted(text: str) -> str:
    """A name or value from a file, in quotes."""
    return f"'{shorten(text)}'"


def shorten(text: str) -> str:
    """A name or value from a file, fit for a message: printable and not long."""
    return printable(text if len(text) <= MAX_NAME_SHOWN else text[:MAX_NAME_SHOWN] + "…")


def _describe(faults: dict[str, list[str]], contract: Contract) -> str:
    listed = "; ".join(
        f"{title}: {', '.join(quoted(column) for column in columns[:MAX_EXAMPLES])}"
        for title, columns in faults.items()
        if columns
    )
    optional = [column for column in (*contract.columns, *contract.check_only) if column not in contract.required]
    also = f", and if you like {','.join(optional)}" if optional else ""
    cure = " RETAIL_ALLOW_EXTRA_COLUMNS=true leaves unknown columns out." if faults["unknown"] else ""
    return (
        f"the header is not that of {contract.table} ({listed}). "
        f"Expected: {','.join(contract.required)}{also}. Deliver the file with these columns.{cure}"
    )
