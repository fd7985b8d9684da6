"""A file that is changed between two blocks of one read is refused, however it is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import DataError
from flows.lake.reading import CsvReader

RECORDS = "".join(f"{number},name {number}\n" for number in range(1000))


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"X")


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"1000,one more\n")


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def rename_over(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_text("id,name\n1,other\n")
    fresh.replace(path)


@pytest.mark.parametrize("change", [overwrite, append, truncate, rename_over])
@pytest.mark.parametrize("block", [1, 5])
def test_reader_file_changed_between_blocks_is_refused(
    tmp_path: Path, change: Callable[[Path], None], block: int
) -> None:
    path = tmp_path / "raw_customers.csv"
    path.write_text("id,name\n" + RECORDS)
    os.utime(path, ns=(0, 0))
    blocks = CsvReader(path, block_bytes=1000).blocks()
    read = [next(blocks) for _ in range(block)]
    assert sum(each.rows for each in read) < 1000
    change(path)
    with pytest.raises(DataError, match="changed while it was read"):
        list(blocks)


def test_reader_file_that_stays_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "raw_customers.csv"
    path.write_text("id,name\n" + RECORDS)
    reader = CsvReader(path, block_bytes=1000)
    assert sum(block.rows for block in reader.blocks()) == reader.rows_in == 1000
