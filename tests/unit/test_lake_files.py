"""Finding source files, naming and sweeping Parquet files."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import ConfigError
from flows.lake.parts import part_name, stem, sweep, unfinished_name, write_part
from flows.lake.sources import find_sources, printable

TABLES = ("raw_orders", "raw_orders_archive", "raw_items")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_find_sources_takes_raw_files_of_known_tables(tmp_path: Path) -> None:
    touch(tmp_path, "raw_orders.csv", "raw_orders_2026-03-01.csv.gz", "raw_orders_archive_1.csv", "raw_items.CSV")
    touch(tmp_path, "raw_orders.parquet", "orders.csv", "raw_tweets.csv", ".raw_orders.csv")
    delivery = find_sources(tmp_path, TABLES)
    assert [(file.table, file.name) for file in delivery.files] == [
        ("raw_items", "raw_items.CSV"),
        ("raw_orders", "raw_orders.csv"),
        ("raw_orders", "raw_orders_2026-03-01.csv.gz"),
        ("raw_orders_archive", "raw_orders_archive_1.csv"),
    ]
    assert delivery.ignored == ("orders.csv", "raw_orders.parquet", "raw_tweets.csv")


def test_find_sources_names_in_any_case_are_files_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "RAW_ORDERS.CSV", "raw_orders.csv", "Raw_Items_1.Csv.Gz")
    assert [(file.table, file.name) for file in find_sources(tmp_path, TABLES).files] == [
        ("raw_items", "Raw_Items_1.Csv.Gz"),
        ("raw_orders", "RAW_ORDERS.CSV"),
        ("raw_orders", "raw_orders.csv"),
    ]


@pytest.mark.parametrize(
    "suffix", ["csv", "CSV", "csv.gz", "tsv", "txt", "xlsx", "XLS", "zip", "parquet", "json", "gz"]
)
def test_find_sources_whatever_looks_like_data_and_is_not_taken_is_named(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, "raw_orders.csv", f"sales.{suffix}", "README.md", f".hidden.{suffix}", "~$sales.xlsx")
    assert find_sources(tmp_path, TABLES).ignored == (f"sales.{suffix}",)


def test_find_sources_without_raw_data_names_what_looks_like_data(tmp_path: Path) -> None:
    touch(tmp_path, *(f"sales_{number}.xlsx" for number in range(7)))
    with pytest.raises(ConfigError, match=r"no raw data found.*There are sales_0\.xlsx, .*sales_4\.xlsx and 2 more"):
        find_sources(tmp_path, TABLES)


def test_find_sources_file_instead_of_a_folder_says_so(tmp_path: Path) -> None:
    touch(tmp_path, "raw_orders.csv")
    with pytest.raises(ConfigError, match="--source"):
        find_sources(tmp_path / "raw_orders.csv", TABLES)


def test_printable_name_that_is_not_utf8_is_spelled_out() -> None:
    assert printable(os.fsdecode(b"raw_orders_\xff.csv")) == "raw_orders_\\xff.csv"


@given(st.text(min_size=1, max_size=300))
def test_part_name_any_name_is_one_safe_path_segment(name: str) -> None:
    made = part_name(name, "ab" * 32, 7)
    assert Path(made).name == made
    assert made.isascii()
    assert len(made) < 120
    assert stem(name, "ab" * 32) in made


def test_sweep_removes_other_versions_and_leftovers_only(tmp_path: Path) -> None:
    old, new = part_name("raw_orders.csv", "0" * 64, 0), part_name("raw_orders.csv", "1" * 64, 0)
    touch(tmp_path, old, new, unfinished_name("raw_orders.csv", 3), "mine.parquet", "notes.txt", ".mine.tmp")
    sweep(tmp_path, {stem("raw_orders.csv", "1" * 64)})
    assert {path.name for path in tmp_path.iterdir()} == {new, "mine.parquet", "notes.txt", ".mine.tmp"}


def test_sweep_missing_folder_is_nothing_to_do(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", set()) == []


def test_write_part_replaces_a_broken_file_of_a_killed_run(tmp_path: Path) -> None:
    path = tmp_path / unfinished_name("raw_orders.csv", 0)
    path.write_bytes(b"PAR1 half a file")
    part = write_part(pl.DataFrame({"a": [1, 2]}), path)
    assert (part.rows, part.size) == (2, path.stat().st_size)
    published = part.publish(tmp_path / "part.parquet")
    assert pl.read_parquet(published.path)["a"].to_list() == [1, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["part.parquet"]
    published.verify()
