"""What the exports of a till such as Square's hold and a profile cannot say: the draft names it, with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.lake.draft import draft_profile
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile

TRANSACTIONS = """Date,Time,Zone,Gross Sales,Net Sales,Tax,Total Collected,Transaction ID,Payment ID,Location,Customer
01/13/25,07:00:00,Eastern,$4.50,$4.50,$0.36,$4.86,T0,P0,Main St,C0
02/14/25,08:01:07,Eastern,"$1,234.50","$1,234.50",$98.76,"$1,333.26",T1,P1,Main St,C1
03/15/25,09:02:14,Eastern,($4.50),($4.50),($0.36),($4.86),T2,P2,Main St,C0
"""
ITEMS = """Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Gross Sales,Transaction ID,Payment ID,Location
01/13/25,07:00:00,Eastern Time (US & Canada),Coffee,Latte,1.0,Large,LAT-L,$4.50,T0,P0,Main St
02/14/25,08:01:07,Eastern Time (US & Canada),Catering,Tray,2.0,Regular,CAT,"$1,230.00",T1,P1,Main St
02/14/25,08:01:07,Eastern Time (US & Canada),Coffee,Latte,1.0,Large,LAT-L,$4.50,T1,P1,Main St
03/15/25,09:02:14,Eastern Time (US & Canada),Coffee,Latte,-1.0,Large,LAT-L,($4.50),T2,P2,Main St
"""


def draft(folder: Path, **texts: str) -> tuple[str, list[str]]:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return draft_profile([look for path in sorted(folder.glob("*.csv")) if (look := look_at_file(path)) is not None])


@pytest.fixture
def square(tmp_path: Path) -> tuple[str, list[str]]:
    return draft(tmp_path, transactions=TRANSACTIONS, items=ITEMS)


@pytest.mark.parametrize("column", ["subtotal: Net Sales", "tax_paid: Tax", "order_total: "])
def test_amounts_with_a_sign_or_brackets_are_named_with_the_cure(square: tuple[str, list[str]], column: str) -> None:
    doubts = [doubt for doubt in square[1] if f"raw_orders.columns {column}" in doubt]
    assert len(doubts) == 1
    assert "is spelled in no known way, e.g. ($" in doubts[0]
    assert "without a currency's sign and without brackets" in doubts[0]


def test_tax_that_cannot_be_read_is_not_drafted_as_none(square: tuple[str, list[str]], tmp_path: Path) -> None:
    assert 'tax_paid = "0"' not in square[0]
    plain = draft(tmp_path, transactions=TRANSACTIONS.replace("Tax", "Tip").replace("$", ""), items=ITEMS)
    assert 'tax_paid = "0"' in plain[0]
    rate = draft(
        tmp_path,
        transactions=TRANSACTIONS.replace("Tax", "Tax %").replace("$0.36", "8%").replace("$98.76", "8%"),
        items=ITEMS,
    )
    assert "Tax % is spelled" not in "".join(rate[1])


def test_times_of_the_day_in_a_column_of_their_own_are_named(square: tuple[str, list[str]], tmp_path: Path) -> None:
    said = 'ordered_at: the time of the day is apart, in "Time"; export both in one column'
    assert sum(said in doubt for doubt in square[1]) == 1
    joined = draft(tmp_path, transactions=TRANSACTIONS.replace("25,0", "25 0"), items=ITEMS)
    assert not any("the time of the day is apart" in doubt for doubt in joined[1])


def test_quantities_in_items_are_named_and_an_id_that_no_column_can_be(
    square: tuple[str, list[str]], tmp_path: Path
) -> None:
    assert any('"Qty" is not 1 in 2 of 4 records, and here a record is one unit' in doubt for doubt in square[1])
    assert any("raw_items.columns id: no column was found that differs in each record" in each for each in square[1])
    ones = draft(tmp_path, items=ITEMS.replace(",2.0,", ",1,").replace(",-1.0,", ",1.00,"))
    assert not any("here a record is one unit" in doubt for doubt in ones[1])


def test_items_refer_to_orders_by_their_number_and_not_by_their_day(
    square: tuple[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "shop.toml").write_text(square[0].replace('"?"', '"x"'), encoding="utf-8")
    forms = read_profile(tmp_path / "shop.toml").forms
    assert forms["raw_orders"].columns["id"] == "Transaction ID"
    assert forms["raw_items"].columns["order_id"] == "Transaction ID"
    assert forms["raw_orders"].columns["store_id"] == "Location"


ORDERS = "Order;Customer;Date;Store;Base;Tax;Total\n{}"
RECORD = "P{0};C{0};2025-01-{0:02} 08:00;S;{0},00 €;0,10 €;{0},10 €\n"


@pytest.mark.parametrize("value", ["1.23,45 €", "1,5O €", "n/a", "(3,00 €)", "3.000,123 €"])
@pytest.mark.parametrize(
    ("field", "copied"), [("{0},00 €", "subtotal = "), ("{0},10 €", "order_total = ")], ids=["subtotal", "total"]
)
def test_amount_with_one_misspelt_value_is_named_and_the_other_is_not_taken_for_both(
    tmp_path: Path, value: str, field: str, copied: str
) -> None:
    records = [RECORD.replace(field, value).format(3) if at == 3 else RECORD.format(at) for at in range(1, 8)]
    text, doubts = draft(tmp_path, orders=ORDERS.format("".join(records)))
    assert f'{copied}"?"' in text
    assert not any("the only amount" in doubt for doubt in doubts)
    assert any(f"is spelled in no known way, e.g. {value}; export it as 1234.50" in doubt for doubt in doubts)


def test_tax_with_one_misspelt_value_is_not_drafted_as_none(tmp_path: Path) -> None:
    records = [RECORD.replace("0,10 €;", "none;" if at == 3 else "0,10 €;").format(at) for at in range(1, 8)]
    text, doubts = draft(tmp_path, orders=ORDERS.format("".join(records)))
    assert 'tax_paid = "?"' in text
    assert any("tax_paid: Tax is spelled in no known way, e.g. none" in doubt for doubt in doubts)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "2025-01-03 08:00",
            "03.01.2025 08:00",
            "Date is spelled in several ways, e.g. 2025-01-01 08:00 and 03.",
        ),
        (
            "2025-01-03 08:00",
            "1748772000",
            "Date is spelled in several ways, e.g. 2025-01-01 08:00 and 17487",
        ),
        (
            "2025-01-03 08:00",
            "yesterday",
            "Date is spelled in no known way, e.g. yesterday; export it as 2024",
        ),
        ("3,00 €;", "3,00 $;", "Base is spelled in several ways, e.g. 1,00 € and 3,00 $; export it as 1234.50"),
    ],
)
def test_values_that_each_can_be_read_but_not_together_are_shown_side_by_side(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = ORDERS.format("".join(RECORD.format(at) for at in range(1, 8)))
    _, doubts = draft(tmp_path, orders=text.replace(old, new))
    assert any(said in doubt for doubt in doubts), doubts


def test_only_amount_is_taken_for_both(tmp_path: Path) -> None:
    text, doubts = draft(tmp_path, orders=ORDERS.format(RECORD.format(1)).replace("Base", "Note"))
    assert 'subtotal = "Total"' in text
    assert any("subtotal: the only amount, so it is taken for both" in doubt for doubt in doubts)


COUNTS = "Store ID;Supply ID;Counted at;Units\nS1;U1;2025-01-31 08:00;{}\nS1;U2;2025-01-31 08:00;7\n"


@pytest.mark.parametrize("mark", [",", ".", "'"])
def test_count_with_thousands_is_drafted_with_their_mark(tmp_path: Path, mark: str) -> None:
    text, doubts = draft(tmp_path, counts=COUNTS.format(f"1{mark}234"))
    assert f'thousands_mark = "{mark}"' in text
    assert 'unit_count = "Units"' in text
    assert not any("raw_stock_counts" in doubt for doubt in doubts)


@pytest.mark.parametrize("count", ["12.5", "1.234,50", "0.125", "12 pcs"])
def test_count_that_is_no_whole_number_is_named_with_the_cure(tmp_path: Path, count: str) -> None:
    text, doubts = draft(tmp_path, counts=COUNTS.format(count).replace(";7\n", ";7\nS2;U1;2025-01-31 08:00;8\n"))
    assert 'unit_count = "?"' in text
    said = f"unit_count: Units is spelled in no known way, e.g. {count}; export it as a whole number, e.g. 1234"
    assert any(said in doubt for doubt in doubts)
