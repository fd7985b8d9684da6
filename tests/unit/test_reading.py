"""A file that is changed between two blocks of one read is refused, however it is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import DataError
from flows.lake.dialect import Dialect
from flows.lake.reading import CsvReader
from flows.lake.splitting import find_line_ends

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


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-32-be", "utf-8"])
def test_foreign_blocks_are_whole_records_of_even_size(tmp_path: Path, encoding: str) -> None:
    """Whatever its encoding, a file is cut at the ends of its lines, and no block is far from the others in size."""
    path = tmp_path / "raw_customers.csv"
    path.write_text("id;name\n" + RECORDS.replace(",", ";"), encoding=encoding)
    blocks = list(CsvReader(path, 1000, Dialect(";", '"', encoding)).blocks())
    assert b"".join(block.data for block in blocks) == RECORDS.replace(",", ";").encode()
    assert all(block.data.endswith(b"\n") for block in blocks)
    assert all(900 < len(block.data) < 1100 for block in blocks[1:-1])


def test_foreign_line_longer_than_a_block_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "raw_customers.csv"
    path.write_text("id;name\n1;" + "é" * 5000 + "\n2;x", encoding="utf-16")
    blocks = list(CsvReader(path, 1000, Dialect(";", '"', "utf-16")).blocks())
    assert b"".join(block.data for block in blocks).decode() == "1;" + "é" * 5000 + "\n2;x\n"


@pytest.mark.parametrize(("quoted", "inner"), [(3, None), (600, 600)])
def test_many_quotes_are_judged_at_once_and_a_few_one_by_one(tmp_path: Path, quoted: int, inner: int | None) -> None:
    path = tmp_path / "raw_customers.csv"
    path.write_text("id,name\n" + "".join(f'{i},"a, b"\n' if i < quoted else f"{i},x\n" for i in range(700)))
    (block,) = CsvReader(path).blocks()
    assert block.rows == 700
    assert (block.ends is None, block.inner) == (inner is not None, inner or 0)
    assert block.record_ends.tolist() == find_line_ends(block.data).tolist()
