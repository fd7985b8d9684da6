"""The lake's parts packed anew for COPY: the same rows, few and about equal files, the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.parts import Part, write_part
from flows.warehouse.redshift import repacking
from flows.warehouse.redshift.dialect import cast_back, declare_columns, spell, staged_columns
from flows.warehouse.redshift.preflight import check_part
from flows.warehouse.redshift.repacking import repack, sweep_repacked

ORDERS, STORES, PRODUCTS = (CONTRACTS[f"raw_{name}"] for name in ("orders", "stores", "products"))


def orders(first: int, count: int, name: str = "raw_orders.csv") -> pl.DataFrame:
    """Rows as the lake has them; ids that do not compress."""
    number = pl.int_range(first, first + count, dtype=pl.Int64, eager=True).alias("_row")
    return pl.DataFrame({"_row": number}).select(
        pl.col("_row").hash(1).cast(pl.String).alias("id"),
        pl.lit("c1").alias("customer"),
        (datetime(2025, 1, 1) + pl.duration(microseconds=pl.col("_row"))).cast(pl.Datetime("us")).alias("ordered_at"),
        pl.lit("s1").alias("store_id"),
        pl.col("_row").alias("subtotal"),
        pl.lit(0, pl.Int64).alias("tax_paid"),
        pl.col("_row").alias("order_total"),
        pl.lit(name).alias("_file"),
        pl.col("_row"),
    )


@pytest.fixture
def lake(tmp_path: Path) -> Callable[..., list[Part]]:
    def write(*frames: pl.DataFrame) -> list[Part]:
        return [write_part(frame, tmp_path / "lake" / f"{n:05d}.parquet") for n, frame in enumerate(frames)]

    return write


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same arithmetic with files of kilobytes."""
    monkeypatch.setattr(repacking, "TARGET_BYTES", 108 << 10)
    monkeypatch.setattr(repacking, "MAX_BYTES", 128 << 10)
    monkeypatch.setattr(repacking, "GROUP_BYTES", 8 << 10)


def test_spell_writes_times_and_decimals_in_one_spelling_and_keeps_nulls() -> None:
    at = pl.Series("at", [datetime(1678, 1, 1, 0, 0, 0, 1), datetime(2025, 6, 30, 23, 59, 59), None], pl.Datetime("us"))
    rate = pl.Series("rate", [Decimal("0.05"), Decimal(1), None], pl.Decimal(9, 6))
    frame = pl.DataFrame([at, rate, pl.Series("text", ["", None, "é"]), pl.Series("n", [1, None, -1], pl.Int64)])
    assert spell(frame).rows() == [
        ("1678-01-01 00:00:00.000001", "0.050000", "", 1),
        ("2025-06-30 23:59:59.000000", "1.000000", None, None),
        (None, None, "é", -1),
    ]


def test_staged_columns_are_of_three_types_and_each_has_its_encoding() -> None:
    columns = staged_columns(STORES)
    assert columns["opened_at"] == "varchar(26)"
    assert columns["tax_rate"] == "varchar(12)"
    assert '"tax_rate" varchar(12) encode lzo' in declare_columns(columns)
    assert '"_row" bigint encode az64' in declare_columns(columns)
    assert cast_back("tax_rate", "decimal(9,6)") == 'cast(parts."tax_rate" as decimal(9,6))'
    assert cast_back("_row", "bigint") == 'parts."_row"'


def test_repack_keeps_every_row_in_order_and_fits_the_dialect(
    tmp_path: Path, lake: Callable[..., list[Part]], small: None
) -> None:
    frames = [orders(1, 3000), orders(3001, 10), orders(1, 4000, "raw_orders_2.csv")]
    with repack(ORDERS, lake(*frames), tmp_path / "staged") as repacked:
        for part in repacked.parts:
            part.verify()
            check_part(part.path, staged_columns(ORDERS), max_bytes=repacking.MAX_BYTES)
        assert sum(part.rows for part in repacked.parts) == 7010
        found = pl.concat([pl.read_parquet(part.path) for part in repacked.parts])
    assert found.equals(spell(pl.concat(frames)))


def test_repack_many_small_parts_become_one_file(tmp_path: Path, lake: Callable[..., list[Part]]) -> None:
    with repack(ORDERS, lake(*(orders(n, 1, f"raw_orders_{n}.csv") for n in range(50))), tmp_path / "s") as repacked:
        (part,) = repacked.parts
        assert pq.read_metadata(part.path).num_row_groups == 1


def test_repack_large_data_becomes_few_files_of_about_equal_size(
    tmp_path: Path, lake: Callable[..., list[Part]], small: None
) -> None:
    with repack(ORDERS, lake(*(orders(n * 500, 500) for n in range(60))), tmp_path / "staged") as repacked:
        sizes = [part.size for part in repacked.parts]
    assert 64 << 10 <= min(sizes) <= max(sizes) <= 128 << 10
    assert max(sizes) < 1.3 * min(sizes)


def test_repack_rows_that_grow_on_the_way_stay_below_the_limit(
    tmp_path: Path, lake: Callable[..., list[Part]], small: None
) -> None:
    """What the first rows took tells nothing of the last ones."""
    long = [orders(n * 50, 50).with_columns(customer=pl.col("id").repeat_by(12).list.join("")) for n in range(80)]
    with repack(ORDERS, lake(orders(0, 20000).with_columns(id=pl.lit("a")), *long), tmp_path / "staged") as repacked:
        assert len(repacked.parts) > 1
        assert max(part.size for part in repacked.parts) <= 128 << 10


def test_repack_again_gives_the_same_bytes(tmp_path: Path, lake: Callable[..., list[Part]], small: None) -> None:
    parts = lake(orders(1, 3000), orders(3001, 2000))
    hashes = []
    for _ in range(2):
        with repack(ORDERS, parts, tmp_path / "staged") as repacked:
            hashes.append([part.sha256 for part in repacked.parts])
    assert hashes[0] == hashes[1]


def test_repack_leaves_nothing_behind_and_touches_nothing_else(tmp_path: Path, lake: Callable[..., list[Part]]) -> None:
    folder = tmp_path / "work" / "staged" / "raw_orders"
    folder.mkdir(parents=True)
    for name in ("00007.parquet", "mine.parquet"):
        (folder / name).write_bytes(b"x")
    with repack(ORDERS, lake(orders(1, 10)), folder):
        assert {path.name for path in folder.iterdir()} == {"00000.parquet", "mine.parquet"}
    assert {path.name for path in folder.iterdir()} == {"mine.parquet"}
    (folder / "00003.parquet").write_bytes(b"left by a run that was killed")
    sweep_repacked(tmp_path / "work", CONTRACTS)
    assert {path.name for path in folder.iterdir()} == {"mine.parquet"}
    (folder / "mine.parquet").unlink()
    sweep_repacked(tmp_path / "work", CONTRACTS)
    assert not folder.exists()


def test_repack_that_cannot_be_written_names_the_place_and_the_cure(
    tmp_path: Path, lake: Callable[..., list[Part]]
) -> None:
    parts = lake(orders(1, 10))
    (tmp_path / "staged").write_text("a file where the folder should be")
    with (
        pytest.raises(LoadError, match=r"staged.*cannot be written .*Free space or rights"),
        repack(ORDERS, parts, tmp_path / "staged"),
    ):
        pass


def test_values_add_up_over_pieces_without_overflow(tmp_path: Path, lake: Callable[..., list[Part]]) -> None:
    """Amounts may reach 10^15 cents: ten thousand of them are more than 64 bits hold."""
    frame = orders(1, 20_000).with_columns(subtotal=pl.lit(10**15, pl.Int64))
    with repack(ORDERS, lake(frame, frame), tmp_path / "staged") as repacked:
        row = ["raw_orders.csv", 40_000, datetime(2025, 1, 1, 0, 0, 0, 1), datetime(2025, 1, 1, 0, 0, 0, 20_000)]
        total = 2 * sum(range(1, 20_001))
        repacked.values.check([[*row, 4 * 10**19, 0, total]])
        with pytest.raises(LoadError, match=r"greatest ordered_at: the parts hold 2025-01-01 00:00:00[.]020000, "):
            repacked.values.check([[*row[:3], datetime(2025, 1, 1), 4 * 10**19, 0, total]])
        with pytest.raises(LoadError, match="rows: the parts hold 40000, the table None"):
            repacked.values.check([])
