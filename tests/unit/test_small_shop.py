"""The small shop is the same bytes each time, and stays quick enough to be written by every test that wants it."""

from __future__ import annotations

from pathlib import Path

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from tests.small_shop import write_small_shop


def test_small_shop_written_twice_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = write_small_shop(tmp_path / "first"), write_small_shop(tmp_path / "second")

    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }


def test_small_shop_under_its_contracts_has_no_record_in_quarantine(tmp_path: Path) -> None:
    shop = write_small_shop(tmp_path / "shop")

    for table, contract in CONTRACTS.items():
        paths = sorted(shop.glob(f"{table}*.csv"))
        assert paths
        for path in paths:
            conversion = convert_csv(path, contract, tmp_path / "lake" / path.stem)
            assert (conversion.rows_quarantined, conversion.rows_loaded > 0) == (0, True)
