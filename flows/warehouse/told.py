"""What an ingest says in the log: a line for each table; one for each file only where something is wrong with it.

Every good file has a line too, at the level debug: 400 of them would bury the one that matters.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from flows.lake.convert import Conversion
from flows.warehouse.outcomes import FileOutcome, describe_bad_records, describe_extra_columns

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]
MAX_TOLD = 20  # files of a table, each with a line of its own; the run summary names all


def tell_converted(log: Log, table: str, results: Sequence[tuple[FileOutcome, Conversion | None]]) -> None:
    """Say how the conversion of a table's files went; those that are refused or unchanged are told elsewhere."""
    _tell_extra_columns(log, [outcome for outcome, _ in results])
    converted = [conversion for _, conversion in results if conversion is not None]
    bad = [conversion for conversion in converted if conversion.rows_quarantined]
    for conversion in bad[:MAX_TOLD]:
        log.warning("%s", describe_bad_records(conversion), extra={"table": table, "file": conversion.file_name})
    if len(bad) > MAX_TOLD:
        rest = bad[MAX_TOLD:]
        log.warning(
            "and in %s more of %s: %s; the run summary names each file with its reasons",
            _count(len(rest), "file"),
            table,
            _count(sum(conversion.rows_quarantined for conversion in rest), "record"),
            extra={"table": table},
        )
    for conversion in converted:
        if not conversion.rows_quarantined:
            of_file = {"table": table, "file": conversion.file_name}
            log.debug("%s: %s, all good", conversion.file_name, _count(conversion.rows_in, "record"), extra=of_file)
    if converted:
        log.info("%s: %s", table, _sum_up(converted), extra={"table": table})


def tell_loaded(log: Log, table: str, rows_of_files: Sequence[tuple[str, int]]) -> None:
    """Say what was loaded into a table: the name of each file and its rows."""
    for name, rows in rows_of_files:
        of_file = {"table": table, "file": name}
        log.debug("%s: %s loaded into raw.%s", name, _count(rows, "row"), table, extra=of_file)
    if rows_of_files:
        rows = sum(rows for _, rows in rows_of_files)
        loaded, files = _count(rows, "row"), _count(len(rows_of_files), "file")
        log.info("%s: %s of %s loaded into raw.%s", table, loaded, files, table, extra={"table": table})


def _tell_extra_columns(log: Log, outcomes: Sequence[FileOutcome]) -> None:
    """Files of the same columns share a line."""
    alike: dict[tuple[str, ...], list[FileOutcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.extra_columns:
            alike[tuple(outcome.extra_columns)].append(outcome)
    for columns, group in alike.items():
        name = (
            group[0].file
            if len(group) == 1
            else f"{_count(len(group), 'file')} of {group[0].table}, e.g. {group[0].file}"
        )
        of_files = {"table": group[0].table} | ({"file": name} if len(group) == 1 else {})
        log.warning("%s", describe_extra_columns(name, columns), extra=of_files)


def _sum_up(conversions: Sequence[Conversion]) -> str:
    rows, bad = (
        sum(counts) for counts in zip(*((each.rows_in, each.rows_quarantined) for each in conversions), strict=True)
    )
    how = f"{bad:,} of them set aside" if bad else "all good"
    return f"{_count(len(conversions), 'file')}, {_count(rows, 'record')}, {how}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
