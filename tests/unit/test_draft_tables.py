"""Which file is which table: by its columns, and not by a word of its name alone; what is left out is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.lake.draft import draft_profile
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile
from flows.profile.__main__ import main

CUSTOMERS = "Customer ID,Customer Name\nC1,Ann\nC2,Bob\n"
ORDERS = "Order #,Customer ID,Order Date,Location,Subtotal,Tax,Total\n1,C1,2025-01-03 08:00:00,L1,4.00,0.50,4.50\n"
MENU = "Item Code,Item Name,Type,Price,Description\nA,Latte,Drinks,{}4.50,hot\nB,Bagel,Food,{}3.00,round\n"
LINES = "Line ID,Order #,Item Code\n1,1,A\n2,1,B\n"


def draft(folder: Path, **texts: str) -> tuple[str, list[str]]:
    for name, text in texts.items():
        (folder / f"{name.replace('_', ' ')}.csv").write_text(text, encoding="utf-8")
    return draft_profile([look for path in sorted(folder.iterdir()) if (look := look_at_file(path)) is not None])


def read_files(text: str, folder: Path) -> dict[str, list[str]]:
    (folder / "shop.toml").write_text(text.replace('"?"', '"x"'), encoding="utf-8")
    profile = read_profile(folder / "shop.toml")
    names = [path.name for path in sorted(folder.glob("*.csv"))]
    return {table: [name for name in names if profile.find_tables(name) == [table]] for table in profile.patterns}


@pytest.mark.parametrize("sign", ["", "$"])
def test_columns_say_more_of_a_table_than_a_word_in_the_name(tmp_path: Path, sign: str) -> None:
    text, _ = draft(
        tmp_path, Customers=CUSTOMERS, Order_History=ORDERS, Menu_Items=MENU.format(sign, sign), Line_Items=LINES
    )
    assert read_files(text, tmp_path) == {
        "raw_customers": ["Customers.csv"],
        "raw_orders": ["Order History.csv"],
        "raw_items": ["Line Items.csv"],
        "raw_products": ["Menu Items.csv"],
    }
    assert 'sku = "Item Code"\n' in text.partition("[tables.raw_items]")[2].partition("[tables.raw_products]")[0]


def test_file_that_lacks_columns_of_its_table_is_left_out_by_name(tmp_path: Path) -> None:
    text, doubts = draft(
        tmp_path, orders_1=ORDERS, orders_2=ORDERS.replace("Tax", "Duty"), orders_3=ORDERS.replace("\n1,", "\n2,")
    )
    assert read_files(text, tmp_path) == {"raw_orders": ["orders 1.csv", "orders 3.csv"]}
    assert [doubt for doubt in doubts if "orders 2.csv" in doubt] == [
        'orders 2.csv lacks "Tax" of orders 1.csv, which is taken for raw_orders, and is left out'
    ]


def test_file_with_more_columns_than_others_of_its_table_is_read_with_them(tmp_path: Path) -> None:
    more = ORDERS.replace("Total\n", "Total,Till,Clerk\n").replace("4.50\n", "4.50,7,Zoe\n")
    text, doubts = draft(tmp_path, orders_1=ORDERS, orders_2=more)
    assert read_files(text, tmp_path) == {"raw_orders": ["orders 1.csv", "orders 2.csv"]}
    assert 'leave_out = ["Till", "Clerk"]' in text
    assert 'id = "Order #"\n' in text, "an order that is delivered again is still one order"
    assert not any("orders 2.csv" in doubt for doubt in doubts)


def test_id_that_repeats_within_a_file_is_none_however_often_it_is_delivered(tmp_path: Path) -> None:
    twice = ORDERS + ORDERS.splitlines()[1] + "\n"
    text, _ = draft(tmp_path, orders_1=ORDERS, orders_2=twice.replace("\n1,", "\n2,"))
    assert 'id = "?"' in text


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (ORDERS.replace(",", ";"), "is separated by ';', not by ',' as"),
        (f"\ufeff{ORDERS}", "has the encoding utf-16, not utf-8 as"),
    ],
)
def test_file_that_is_written_otherwise_than_its_table_is_left_out_by_name(
    tmp_path: Path, other: str, told: str
) -> None:
    (tmp_path / "orders 2.csv").write_bytes(other.encode("utf-16-le" if "utf-16" in told else "utf-8"))
    text, doubts = draft(tmp_path, orders_1=ORDERS, orders_3=ORDERS)
    assert read_files(text, tmp_path) == {"raw_orders": ["orders 1.csv", "orders 3.csv"]}
    assert any(doubt.startswith(f"orders 2.csv {told} orders 1.csv, which") for doubt in doubts), doubts


@pytest.mark.parametrize("ending", ["psv", "TSV", "tab", "dat", "txt", "csv"])
def test_text_files_of_a_folder_are_looked_at_whatever_their_ending(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"customers.{ending}").write_text(CUSTOMERS.replace(",", "|"))
    assert main([str(tmp_path), "--output", str(tmp_path / "shop.toml")]) == 0
    assert f'files = ["customers.{ending}"]' in (tmp_path / "shop.toml").read_text()


def test_what_is_not_looked_at_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "orders.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "items.csv").write_text("id,order,sku\n")
    (tmp_path / ".hidden.csv").write_text(CUSTOMERS)
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "orders.xlsx is no text; export it as CSV" in said
    assert "items.csv has no header with records" in said
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    assert main([str(tmp_path)]) == 0
    written, said = capsys.readouterr()
    for told in ("orders.xlsx is no text; export it as CSV", "items.csv has no header with records"):
        assert f"# unsure: {told}" in written
        assert f"  - {told}" in said
    assert "hidden" not in written + said


@pytest.mark.parametrize(
    ("name", "value", "money", "is_sure"),
    [
        ("price_cents", "450", "cents", True),
        ("Preis (Cent)", "450", "cents", True),
        ("Price", "450", "cents", False),
        ("price_cents", "4.50", "units", False),
        ("Price (percent)", "450", "cents", False),
    ],
)
def test_amounts_are_cents_for_sure_where_all_their_columns_say_so(
    tmp_path: Path, name: str, value: str, money: str, is_sure: bool
) -> None:
    text, doubts = draft(tmp_path, products=f"SKU,Name,Category,{name}\nA,Tea,drink,{value}\n")
    assert f'money = "{money}"' in text
    assert any("money" in doubt for doubt in doubts) != (is_sure or money == "units")


LETTERS = {
    "cp1250": ("mała żółta łódź", "cp1250"),
    "cp1250, before a letter alone": ("Łukasz", "cp1250"),
    "cp1252": ("crème brûlée à 2 € 5 m³ l’œuf N° 5 ¿Qué?", "cp1252"),
    "cp1251": ("Кофе", "cp1251"),
    "cp1253": ("Καφές", "cp1253"),
}


@pytest.mark.parametrize("name", LETTERS)
def test_letters_of_another_part_of_the_world_are_no_western_ones_for_sure(tmp_path: Path, name: str) -> None:
    text, encoding = LETTERS[name]
    (tmp_path / "products.csv").write_bytes(f"SKU,Name,Category,Price\nA,{text},x,4.50\n".encode(encoding))
    drafted, doubts = draft(tmp_path)
    told = [doubt for doubt in doubts if "encoding" in doubt]
    assert bool(told) == (encoding != "cp1252"), told
    assert ('encoding = "cp1252"' in drafted) == (encoding != "cp1250")
    assert all(text.split()[0] in doubt for doubt in told), told


def test_one_word_of_central_europe_makes_the_whole_shop_doubtful(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price\nA,Świeca,x,4.50\n".encode("cp1250"))
    (tmp_path / "customers.csv").write_bytes("Customer,Name\nA,Łukasz\n".encode("cp1250"))
    drafted, doubts = draft(tmp_path)
    assert drafted.count('encoding = "cp1250"') == 2
    assert sum("encoding" in doubt for doubt in doubts) == 2


def test_doubt_of_an_encoding_shows_a_word_that_tells(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price\nA,Thé glacé,x,4.50\n".encode("latin-1"))
    assert [doubt for doubt in draft(tmp_path)[1] if 'reads "Thé"' in doubt]


def test_column_whose_values_are_the_key_that_it_refers_to_is_sure(tmp_path: Path) -> None:
    lines = "Line ID,Order #,Item Code,Qty\n1,1,A,1\n2,1,B,1\n"
    _, doubts = draft(tmp_path, Orders=ORDERS, Menu_Items=MENU.format("", ""), Line_Items=lines)
    assert not any("columns sku" in doubt for doubt in doubts)
    _, doubts = draft(tmp_path, Line_Items=lines.replace(",B,1", ",Z,1"))
    assert any("columns sku" in doubt for doubt in doubts)


@pytest.mark.parametrize(("price", "found"), [("€4.50", "EUR"), ("4.50 £", "GBP"), ("$4.50", None), ("from €4", None)])
def test_currency_is_found_at_amounts(tmp_path: Path, price: str, found: str | None) -> None:
    (tmp_path / "products.csv").write_text(f"SKU,Name,Category,Price\nA,Tea,drink,{price}\n", encoding="utf-8")
    assert (f'currency = "{found}"' in draft(tmp_path)[0]) == (found is not None)


def test_headers_are_in_the_letters_that_other_files_of_the_shop_show(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes("Customer,Name,Imię\nA,Łukasz,x\n".encode("cp1250"))
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price,Książę\nA,x,x,4.50,x\n".encode("cp1250"))
    drafted, _ = draft(tmp_path)
    assert 'leave_out = ["Imię"]' in drafted
    assert 'leave_out = ["Książę"]' in drafted


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250"])
def test_plain_file_is_of_its_table_whatever_encoding_the_others_of_it_or_most_of_the_shop_have(
    tmp_path: Path, encoding: str
) -> None:
    for number in (1, 2):
        (tmp_path / f"products {number}.csv").write_bytes("SKU,Name,Category,Price\nA,Œuf,x,4.50\n".encode("cp1252"))
    (tmp_path / "customers 2.csv").write_bytes("Customer ID,Customer Name\nC3,Łukasz\n".encode(encoding))
    drafted, doubts = draft(tmp_path, customers_1=CUSTOMERS, customers_3=CUSTOMERS)
    assert 'files = ["customers 1.csv", "customers 2.csv", "customers 3.csv"]' in drafted
    assert f'encoding = "{encoding}"' in drafted.partition("[tables.raw_products]")[0]
    assert not any("left out" in doubt for doubt in doubts)


def test_file_of_utf_16_is_none_of_another_encoding_though_its_letters_are_plain(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price\nA,Œuf,x,4.50\n".encode("cp1252"))
    (tmp_path / "customers.csv").write_bytes(CUSTOMERS.encode("utf-16"))
    assert 'encoding = "utf-16"' in draft(tmp_path)[0].partition("[tables.raw_products]")[0]


def test_file_of_which_nothing_is_known_and_one_of_lines_are_left_out_each_with_its_own_words(tmp_path: Path) -> None:
    lines = "Name,Created at,Total,Lineitem sku\n#1,2025-01-03 08:00:00,9.00,A\n#1,,,B\n#2,2025-01-04 08:00:00,5.00,A\n"
    _, doubts = draft(tmp_path, weather="Zip,Rain\n1,2\n", export=lines)
    told = [doubt for doubt in doubts if "left out" in doubt]
    assert [doubt.split()[0] for doubt in told] == ["export.csv", "weather.csv"]
    assert "has a line for each item" in told[0]
    assert told[1] == "weather.csv fits no table and is left out"


@pytest.mark.parametrize(
    ("name", "columns", "is_told"),
    [
        ("x", "Customer,Colour", False),  # one column of customers and no name: what two words say is too little
        ("customer", "Customer,Colour", True),
        ("x", "Customer,Name", True),
    ],
)
def test_one_column_tells_no_table_without_a_word_in_the_name(
    tmp_path: Path, name: str, columns: str, is_told: bool
) -> None:
    text, _ = draft(tmp_path, **{name: f"{columns}\na,b\n"})
    assert ("[tables.raw_customers]" in text) == is_told


def test_columns_that_a_file_lacks_speak_against_its_name(tmp_path: Path) -> None:
    """`order` in the name counts for three columns; the six that it lacks for as many."""
    text, _ = draft(tmp_path, articles_to_order="SKU,Name,Category,Price\nA,Tea,drink,4.50\n")
    assert "[tables.raw_products]" in text


def test_of_files_that_tell_as_much_the_way_of_most_is_the_tables(tmp_path: Path) -> None:
    text, _ = draft(
        tmp_path, orders_1=ORDERS.replace(",", ";"), orders_2=ORDERS, orders_3=ORDERS.replace("\n1,", "\n2,")
    )
    assert read_files(text, tmp_path) == {"raw_orders": ["orders 2.csv", "orders 3.csv"]}


@pytest.mark.parametrize("missing", [3, 5])
def test_of_many_columns_that_a_file_lacks_three_are_named(tmp_path: Path, missing: int) -> None:
    header = ORDERS.splitlines()[0].split(",")
    renamed = [*header[: 7 - missing], *(f"x{name}x" for name in header[7 - missing :])]
    _, doubts = draft(tmp_path, orders_1=ORDERS, orders_2=ORDERS.replace(",".join(header), ",".join(renamed)))
    told = [doubt for doubt in doubts if doubt.startswith("orders 2.csv lacks ")]
    assert len(told) == 1
    assert told[0].count('"') == 6
    assert ("and 2 more of" in told[0]) == (missing == 5)


@pytest.mark.parametrize(("text", "is_sure"), [("crème à 5 €", True), ("crème\u00a0brûlée", False), ("crème Ÿ", True)])
def test_first_and_last_byte_that_only_cp1252_has_make_it_sure(tmp_path: Path, text: str, is_sure: bool) -> None:
    (tmp_path / "products.csv").write_bytes(f"SKU,Name,Category,Price\nA,{text},x,4.50\n".encode("cp1252"))
    assert any("encoding" in doubt for doubt in draft(tmp_path)[1]) != is_sure


def test_word_that_tells_is_shown_whole_once_by_each_encoding_wherever_it_stands(tmp_path: Path) -> None:
    rows = "".join(f"{number},Tea,x,4.50\n" for number in range(200))
    text = f"SKU,Name,Category,Price\n{rows}A,pół-mała kawa,x,4.50\n{rows.replace('Tea', 'Rum').replace(',x', 'x,y')}"
    (tmp_path / "products.csv").write_bytes(text.encode("cp1250"))
    told = next(doubt for doubt in draft(tmp_path)[1] if "encoding" in doubt)
    assert 'cp1250 reads "mała", cp1252 (Western Europe) "ma³a", cp1251 (Cyrillic) "maіa"' in told
    assert told.count("cp1250") == 1


def test_most_files_are_plain_and_take_the_encoding_and_quote_of_the_one_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price\nA,'Œuf, frais',x,4.50\n".encode("cp1252"))
    text, _ = draft(tmp_path, customers=CUSTOMERS, orders=ORDERS, lines=LINES)
    assert (text.count('encoding = "cp1252"'), text.count('quote = "\'"')) == (4, 4)


def test_letters_of_central_europe_are_likelier_than_another_alphabet(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes("Customer,Name\nA,Кофе\n".encode("cp1251"))
    (tmp_path / "products.csv").write_bytes("SKU,Name,Category,Price\nA,Łukasz,x,4.50\n".encode("cp1250"))
    assert draft(tmp_path)[0].count('encoding = "cp1250"') == 2


def test_tables_that_no_file_fits_are_named_with_what_a_report_lacks_then(tmp_path: Path) -> None:
    _, doubts = draft(tmp_path, Customers=CUSTOMERS, Orders=ORDERS, Menu=MENU.format("", ""))
    assert doubts[0] == (
        "no file fits raw_items, raw_stores, raw_supplies; without raw_stores stores have no names, openings and tax "
        "rates; without raw_supplies nothing has a cost, so margins are all of the sales"
    )
    stores = "Store,Name,Opened,Tax rate\nL1,Main St,2024-01-03,0.08\n"
    supplies = "Supply,Name,Cost,Perishable,SKU\nu1,cup,0.10,yes,A\n"
    _, doubts = draft(tmp_path, Stores=stores, Supplies=supplies, Line_Items=LINES)
    assert not any("no file fits" in doubt for doubt in doubts)
