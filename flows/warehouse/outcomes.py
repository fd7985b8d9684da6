"""What became of each file of an ingest, and the words in which its user reads of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace

from flows.errors import LoadError
from flows.lake.convert import Conversion
from flows.lake.parts import part_name

NOT_LOADED = "not loaded"  # converted, but the run was refused or its load failed
MAX_PROBLEMS = 8
MAX_NAMES = 3
MAX_REASONS = 5
_VARYING = re.compile(r"\d[\d,.]*|0x[0-9a-f]+")
_ALL_STANDS = re.compile(r"[;.]?\s*[Tt]he last good state stands")  # not once some of the files are loaded
_EXAMPLE = re.compile(r", e\.g\. '.*?'(?=: )")
_SPELLING_KEYS = {
    "not_integer": "money, decimal_mark, thousands_mark",
    "not_decimal": "decimal_mark",
    "not_timestamp": "timestamps",
    "not_boolean": "yes, no",
}
_QUARANTINE_FILE = re.compile(r"(quarantine/[a-z_]+)/\S+(?=\.)")


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: a row of the run summary. `error` says why it was refused or not loaded."""

    table: str
    file: str
    sha256: str
    status: str
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    extra_columns: list[str] = field(default_factory=list)  # left out, as no contract knows them


def describe_bad_records(conversion: Conversion) -> str:
    """How many records of a file were set aside, why, and where they are."""
    listed = [
        f"  - {reason}: {count:,}{_describe_value(conversion, reason)}"
        for reason, count in list(conversion.reasons.items())[:MAX_REASONS]
    ]
    more = len(conversion.reasons) - MAX_REASONS
    if more > 0:
        listed.append(f"  - and {more} more {'kind' if more == 1 else 'kinds'} of reason; the run summary has them all")
    return "\n".join(
        [
            f"{conversion.file_name}: {conversion.rows_quarantined:,} of {conversion.rows_in:,} records break "
            f"the contract of {conversion.table}",
            *listed,
            f"  e.g. {conversion.examples[0]}",
            f"  They are in quarantine/{conversion.table}/{part_name(conversion.file_name, conversion.read_sha256)}.",
        ]
    )


def describe_cure(conversion: Conversion) -> str:
    """What to do about too many bad records; with the keys of a source profile that may say how they are written."""
    codes = {reason.partition(":")[2] for reason in conversion.reasons}
    keys = [key for code, key in _SPELLING_KEYS.items() if code in codes]
    profile = f", say in a source profile how it is written ({', '.join(keys)})" if keys else ""
    return f"Correct the file{profile}, or raise RETAIL_MAX_QUARANTINED_RATIO."


def _describe_value(conversion: Conversion, reason: str) -> str:
    """What was asked for and a value that was found; of texts no value is known here."""
    value, meaning = conversion.found.get(reason), conversion.asked.get(reason)
    return f", e.g. '{value}': {meaning}" if value is not None and meaning else ""


def describe_extra_columns(name: str, columns: Sequence[str]) -> str:
    """Which columns of a file, or of several alike, were left out; all of them are in the run summary."""
    listed = ", ".join(f"'{column}'" for column in columns[:5])
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""  # noqa: PLR2004
    return f"{name}: left out, for no contract knows them: {listed}{more}"


def describe_refusal(outcomes: Sequence[FileOutcome]) -> str:
    """What is wrong with the refused files, with the cure; each problem once, however many files have it."""
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    return "\n".join(
        [
            f"{count_files(len(refused))} refused; "
            "nothing of this run was loaded, and the report of the last good run stands.",
            *describe_problems(refused),
        ]
    )


def describe_problems(outcomes: Sequence[FileOutcome]) -> list[str]:
    """A text for each problem of refused files, those of the most files first; names and numbers aside."""
    alike: dict[str, list[FileOutcome]] = defaultdict(list)
    for outcome in outcomes:
        alike[_VARYING.sub("#", _EXAMPLE.sub("", _generalise(outcome)))].append(outcome)
    groups = sorted(alike.values(), key=len, reverse=True)
    told = [_describe_problem(group) for group in groups[:MAX_PROBLEMS]]
    rest = sum(map(len, groups[MAX_PROBLEMS:]))
    return [*told, f"- and {rest:,} more files; the run summary names each with its cure"] if rest else told


def describe_failed_load(error: LoadError, conversions: Sequence[Conversion], waiting: Set[tuple[str, str]]) -> str:
    """What went wrong; which files are in the raw tables now, which are `waiting`, and what comes of it."""
    loaded = [each.file_name for each in conversions if (each.table, each.file_name) not in waiting]
    missing = [each.file_name for each in conversions if (each.table, each.file_name) in waiting]
    what = _ALL_STANDS.sub("", str(error)) if loaded else str(error)
    return f"{what}\n{_describe_rest(loaded, missing)}"


def _describe_rest(loaded: Sequence[str], missing: Sequence[str]) -> str:
    if not loaded:
        return "No file of this run was loaded, and the report of the last good run stands. Run again after that."
    stay = "stays" if len(loaded) == 1 else "stay"
    return (
        f"{count_files(len(loaded))} loaded before that and {stay} loaded: {_list_names(loaded)}. Not loaded: "
        f"{_list_names(missing)}. The marts and the report of the last good run stand. The next run loads what is "
        "missing, and nothing twice."
    )


def mark_waiting(outcomes: Iterable[FileOutcome], waiting: Set[tuple[str, str]], error: str) -> list[FileOutcome]:
    """The outcomes of a load that failed; `waiting` are the table and name of each file that it did not load."""
    return [
        replace(outcome, status=NOT_LOADED, rows_loaded=0, error=error)
        if (outcome.table, outcome.file) in waiting
        else outcome
        for outcome in outcomes
    ]


def mark_not_loaded(outcomes: Iterable[FileOutcome]) -> list[FileOutcome]:
    """The outcomes of a run that loads nothing: what was converted is not loaded."""
    return [
        replace(outcome, status=NOT_LOADED, rows_loaded=0) if outcome.status in ("loaded", "replaced") else outcome
        for outcome in outcomes
    ]


def count_files(count: int) -> str:
    """`1 file was`, `2 files were`."""
    return "1 file was" if count == 1 else f"{count:,} files were"


def _describe_problem(group: Sequence[FileOutcome]) -> str:
    if len(group) == 1:
        return f"- {group[0].error}"
    return (
        f"- {len(group):,} files: {_generalise(group[0])}\n  For example {_list_names([each.file for each in group])}."
    )


def _generalise(outcome: FileOutcome) -> str:
    """What is wrong with a file, without its name."""
    error = _QUARANTINE_FILE.sub(r"\1", outcome.error or "")
    return error.removeprefix(f"{outcome.file}: ").replace(outcome.file, "FILE")


def _list_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
