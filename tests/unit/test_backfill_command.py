"""Which days and tables a backfill is asked for; what cannot be meant is refused before anything starts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.ingest import choose_files
from flows.lake.sources import SourceFile
from flows.run.backfill_command import read_command
from flows.run.days import list_days

FILES = [SourceFile("raw_orders", name, Path(name)) for name in ("raw_orders.csv", "raw_orders_2.csv")]
FILES.append(SourceFile("raw_items", "raw_items.csv", Path("raw_items.csv")))


def test_days_are_all_from_the_first_to_the_last() -> None:
    days = list_days(date(2024, 2, 28), date(2024, 3, 1))
    assert days == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert list_days(date(2024, 2, 28), None) == days[:1]
    assert list_days(None, None) == []
    assert len(list_days(date(2020, 1, 1), date(2030, 1, 1))) == 3654


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (None, date(2024, 1, 1), "not the first"),
        (date(2024, 1, 2), date(2024, 1, 1), "lies before the first"),
        (date(2000, 1, 1), date(2024, 1, 1), "at most 3,700"),
    ],
)
def test_days_that_cannot_be_meant_are_refused(first: date | None, last: date, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        list_days(first, last)


def test_options_become_those_of_the_flow() -> None:
    options = read_command(["--from", "2024-01-01", "--to", "2024-01-03", "--tables", "orders", "x.csv", "--rebuild"])
    given = {name: value for name, value in options.items() if value is not None}
    days = {"first_day": date(2024, 1, 1), "last_day": date(2024, 1, 3)}
    assert given == days | {"tables": ["orders", "x.csv"], "rebuild": True}


@pytest.mark.parametrize("arguments", [[], ["--to", "2024-01-01"], ["--from", "2024-1-1"], ["--as-of", "2024-01-01"]])
def test_whoever_asks_for_nothing_or_wrongly_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_command(arguments)
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["orders"], ["raw_orders.csv", "raw_orders_2.csv"]),
        (["raw_items"], ["raw_items.csv"]),
        (["raw_orders_2.csv", "items"], ["raw_orders_2.csv", "raw_items.csv"]),
    ],
)
def test_files_are_chosen_by_their_name_or_their_table(wanted: list[str], expected: list[str]) -> None:
    assert [file.name for file in choose_files(FILES, wanted)] == expected


def test_name_that_nothing_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no table refunds. Name files of it, or some of raw_items, raw_orders"):
        choose_files(FILES, ["orders", "refunds"])
