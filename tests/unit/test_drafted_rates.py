"""Tax rates as shops write them: a share of 1 is read with all its decimals, of any other the draft names the cure."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from flows.lake.draft import draft_profile
from flows.lake.draft_values import find_marks
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile

STORES = "Store ID|Store Name|Opened|Tax Rate\nS1|Center|2025-01-31|{}\nS2|South|2025-01-31|{}\n"


def draft(folder: Path, **texts: str) -> tuple[str, list[str]]:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return draft_profile([look for path in sorted(folder.glob("*.csv")) if (look := look_at_file(path)) is not None])


@pytest.mark.parametrize(
    "rates",
    [
        ("0.075", "0.075"),
        ("0,081", "0,026"),
        ("0.08875", "0.095"),
        ("0.0725", "0"),
        ("0,0725", "0,1"),
        ("0.081000", "0.090001"),
        ("1.000", "1"),
        ("0,21", "1,000"),
    ],
)
def test_share_of_one_is_read_with_all_its_decimals(tmp_path: Path, rates: tuple[str, str]) -> None:
    text, doubts = draft(tmp_path, stores=STORES.format(*rates))
    assert not any("raw_stores" in doubt and "no file fits" not in doubt for doubt in doubts), doubts
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    form = read_profile(tmp_path / "shop.toml").forms["raw_stores"]
    done = convert_csv(tmp_path / "stores.csv", CONTRACTS["raw_stores"], tmp_path / "out", form=form)
    assert done.rows_quarantined == 0, done.examples
    read = pl.read_parquet(done.parts[0].path, glob=False)["tax_rate"].to_list()
    assert read == [Decimal(rate.replace(",", ".")) for rate in rates]


@pytest.mark.parametrize(
    ("rates", "example"),
    [
        (("8.875%", "10 %"), "8.875%"),
        (("0,2", "20\u00a0%"), "20\u00a0%"),
        (("%18", "%8"), "%18"),
        (("8.25", "0"), "8.25"),
        (("21", "10"), "21"),
        ((".08875", ".095"), ".08875"),
        (("0.0812345", "0.1"), "0.0812345"),
    ],
)
def test_rate_that_is_no_share_of_one_is_named_with_the_cure_and_is_not_drafted_as_none(
    tmp_path: Path, rates: tuple[str, str], example: str
) -> None:
    text, doubts = draft(tmp_path, stores=STORES.format(*rates))
    assert 'tax_rate = "0"' not in text
    shown = example if example.isprintable() else example.replace("\u00a0", "?")
    assert [doubt for doubt in doubts if "raw_stores.columns tax_rate" in doubt] == [
        f"tables.raw_stores.columns tax_rate: Tax Rate is spelled in no known way, e.g. {shown}; "
        "export it as a share of 1 with at most six decimals, e.g. 0.0725"
    ]


@pytest.mark.parametrize("values", [("DE123456789", "DE987654321"), ("12-3456", "98-7654"), ("Berlin", "Mitte")])
def test_column_of_no_numbers_is_no_rate_whatever_its_name_is(tmp_path: Path, values: tuple[str, str]) -> None:
    text, _ = draft(tmp_path, stores=STORES.replace("Tax Rate", "Tax office").format(*values))
    assert 'tax_rate = "0"' in text


@pytest.mark.parametrize(
    ("amounts", "marks"),
    [
        (["0.075"], (".", "")),
        (["1.234"], (",", ".")),
        (["12.345,60"], (",", ".")),
        (["1.234.567"], (",", ".")),
        (["1,234.50", "0.75"], (".", ",")),
        (["0,081", "1.50"], (".", "")),
    ],
)
def test_three_digits_after_a_leading_nought_are_no_thousands(amounts: list[str], marks: tuple[str, str]) -> None:
    assert find_marks(amounts)[:2] == marks


def test_amount_of_three_decimals_is_named_with_the_cure(tmp_path: Path) -> None:
    text, doubts = draft(
        tmp_path, supplies="Supply ID,Supply Name,Cost,Perishable,SKU\nU1,Cup,0.12,no,A\nU2,Lid,0.075,no,A\n"
    )
    assert "thousands_mark" not in text
    assert any("cost: Cost is spelled in no known way, e.g. 0.075; export it as 1234.50" in each for each in doubts)
