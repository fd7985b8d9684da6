"""The header of a file against the contract of its table: nothing required is missing, nothing is twice.

A column that no contract knows refuses the file, unless the run's terms let it come and be left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from flows.errors import DataError
from flows.lake.contracts import Contract
from flows.lake.sources import printable

MAX_NAME_SHOWN = 40


SEPARATORS = {";": "; (semicolons)", "\t": "tabs", "|": "| (bars)"}
MAX_LISTED = 300  # characters of the names of columns in a message
PROFILE_CURE = "describe it in a profile, which `python -m flows.profile FILE` drafts (docs/your-own-data.md)"


def check_header(
    name: str, header: Sequence[str], contract: Contract, *, allow_extra: bool = False, by_profile: bool = False
) -> None:
    """Raise DataError unless the header has the contract's columns, in any order; it may lack the optional ones.

    `by_profile`: the header has our names from a source profile, so the cure is there.
    """
    separator = find_separator(header)
    if separator and separator not in "".join(contract.required):
        raise DataError(
            f"{name}: is separated by {SEPARATORS[separator]}, not by commas: {quoted(header[0])}. "
            f"Export it with commas, or {PROFILE_CURE}."
        )
    faults = {
        "missing": [column for column in contract.required if column not in header],
        "unknown": [] if allow_extra else find_extra(header, contract),
        "twice": [column for column, count in Counter(header).items() if count > 1],
    }
    if any(faults.values()):
        raise DataError(f"{name}: {(_describe_for_profile if by_profile else _describe)(faults, contract)}")


def find_separator(header: Sequence[str]) -> str | None:
    """What separates the fields of a header without commas, if that is no comma."""
    if len(header) != 1:
        return None
    most = max(SEPARATORS, key=header[0].count)
    return most if most in header[0] else None


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


def _list_columns(columns: Sequence[str]) -> str:
    """The columns in quotes, as many as there is room for; then how many more."""
    listed = list(accumulate((quoted(column) for column in columns), "{}, {}".format))
    shown = max(sum(len(text) <= MAX_LISTED for text in listed), 1)
    return listed[shown - 1] + (f" and {len(columns) - shown} more" if shown < len(columns) else "")


def _describe_for_profile(faults: dict[str, list[str]], contract: Contract) -> str:
    cures = {
        "missing": "Name the file's column for each under columns, or a value under constants",
        "unknown": "Name what is not to be read under leave_out",
        "twice": "Name one column of the file for each",
    }
    listed = "; ".join(f"{title}: {_list_columns(columns)}" for title, columns in faults.items() if columns)
    cure = "; ".join(cures[title] for title, columns in faults.items() if columns)
    return f"the profile does not give the columns of {contract.table} ({listed}). {cure} there."


def _describe(faults: dict[str, list[str]], contract: Contract) -> str:
    listed = "; ".join(f"{title}: {_list_columns(columns)}" for title, columns in faults.items() if columns)
    optional = [column for column in (*contract.columns, *contract.check_only) if column not in contract.required]
    also = f", and if you like {','.join(optional)}" if optional else ""
    cure = " RETAIL_ALLOW_EXTRA_COLUMNS=true leaves unknown columns out." if faults["unknown"] else ""
    if len(faults["unknown"]) == 1 and faults["missing"] == contract.required:
        cure += " If the header stands further down, delete the lines above it."
    if faults["missing"] and faults["unknown"]:
        cure += f" If they only have other names, {PROFILE_CURE}."
    return (
        f"the header is not that of {contract.table} ({listed}). "
        f"Expected: {','.join(contract.required)}{also}. Deliver the file with these columns.{cure}"
    )
