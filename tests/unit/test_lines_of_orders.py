"""An export with a line for each item is told from a list of orders, and the script of the docs splits it."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from flows.lake.draft import draft_profile
from flows.lake.draft_lines import find_lines
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile
from tests.conftest import PROJECT
from tests.unit.test_drafted_shops import read

# the order's columns on its first line alone, but for its number, customer and time
SHOPIFY = """Name,Email,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Lineitem quantity,\
Lineitem name,Lineitem price,Lineitem sku,Notes,Id
#1001,ada@x.org,2025-01-11 10:00:11 +0200,EUR,30.00,0.00,6.00,36.00,2025-01-11 10:00:09 +0200,2,Mug,10.00,M-1,,4507
#1001,ada@x.org,,,,,,,2025-01-11 10:00:09 +0200,1,Bowl,10.00,B-1,,
#1002,bo@x.org,2025-01-12 11:30:00 +0200,EUR,10.00,4.90,2.00,16.90,2025-01-12 11:29:40 +0200,1,Mug,10.00,M-1,,4508
#1003,ada@x.org,2025-01-13 09:05:00 +0200,EUR,25.00,0,5.00,30.00,2025-01-13 09:04:12 +0200,1,Plate,15.00,P-1,"a,b",459
#1003,ada@x.org,,,,,,,2025-01-13 09:04:12 +0200,1,Bowl,10.00,B-1,,
"""
# the order's columns on every line
WOOCOMMERCE = """Order Number;Order Date;Customer Id;Order Total;Tax;Item #;Item Name;Item Quantity
71;2025-01-11 10:00;5;36,00;6,00;1;Mug;2
71;2025-01-11 10:00;5;36,00;6,00;2;Bowl;1
72;2025-01-11 10:05;6;12,00;2,00;1;Mug;1
"""
PLAIN_ITEMS = """Item,Order,Date,SKU,Price
1,71,2025-01-11 10:00,M,10.00
2,71,2025-01-11 10:00,B,12.00
3,72,2025-01-11 11:00,M,10.00
"""
PLAIN_ORDERS = """Order,Customer,Date,Total,Product count
71,5,2025-01-11 10:00,36.00,2
72,5,2025-01-11 10:00,36.00,3
73,6,2025-01-12 10:00,9.00,1
"""
SUPPLIES = "Supply,Name,Cost,Perishable,SKU\nu1,Cup,0.10,no,M\nu1,Cup,0.10,no,B\nu2,Milk,0.20,yes,M\n"
COUNTS = "Store,Supply,Date,Count\ns1,u1,2025-01-11,5\ns1,u2,2025-01-11,6\ns2,u1,2025-01-11,5\n"
REFUNDS = "Refund,Order,Date,Amount,Item\nr1,71,2025-01-11,5.00,1\nr2,71,2025-01-12,6.00,2\nr3,72,2025-01-12,6.00,3\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "order", "counts", "line"),
    [
        (SHOPIFY, "Name", "3 orders on 5 lines", "Lineitem sku"),
        (WOOCOMMERCE, "Order Number", "2 orders on 3 lines", "Item Name"),
    ],
    ids=["first line alone", "every line"],
)
def test_file_with_a_line_for_each_item_is_named_with_its_cure_and_left_out(
    tmp_path: Path, text: str, order: str, counts: str, line: str
) -> None:
    look = look_at_file(write(tmp_path, "orders_export.csv", text))
    assert look is not None
    found = find_lines(look)
    assert found is not None
    assert (found.order, line in found.differing) == (order, True)
    drafted, doubts = draft_profile([look])
    assert f'orders_export.csv has a line for each item: "{order}" repeats, {counts}' in doubts[0]
    assert "export orders and items as two files, or split it" in doubts[0]
    assert "[tables." not in drafted


@pytest.mark.parametrize("text", [PLAIN_ITEMS, PLAIN_ORDERS, SUPPLIES, COUNTS, REFUNDS])
def test_other_files_in_which_a_column_repeats_are_no_lines_of_orders(tmp_path: Path, text: str) -> None:
    look = look_at_file(write(tmp_path, "file.csv", text))
    assert look is not None
    assert find_lines(look) is None


def test_shipped_and_sample_files_are_no_lines_of_orders() -> None:
    for folder in ("data/datasets", "docs/samples/boutique"):
        for path in sorted((PROJECT / folder).iterdir()):
            look = look_at_file(path)
            assert look is None or find_lines(look) is None, path.name


def test_script_of_the_docs_splits_an_export_into_orders_and_items_that_are_read(tmp_path: Path) -> None:
    page = (PROJECT / "docs/your-own-data.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert script is not None
    write(tmp_path, "orders_export.csv", SHOPIFY)
    subprocess.run([sys.executable, "-c", script[1]], cwd=tmp_path, check=True)
    looks = [look for name in ("orders.csv", "items.csv") if (look := look_at_file(tmp_path / name)) is not None]
    text, _ = draft_profile(looks)
    store = '[tables.raw_orders.constants]\nstore_id = "web"'
    text = re.sub(r'^store_id = "\?".*\n', "", text, flags=re.MULTILINE)
    profile = read_profile(
        write(tmp_path, "shop.toml", text.replace("\n\n[tables.raw_items]", f"\n{store}\n\n[tables.raw_items]"))
    )
    assert profile.currency == "EUR"
    assert read(tmp_path, profile, "raw_orders") == [
        ("#1001", "ada@x.org", datetime(2025, 1, 11, 10, 0, 9), "web", 3000, 600, 3600),
        ("#1002", "bo@x.org", datetime(2025, 1, 12, 11, 29, 40), "web", 1490, 200, 1690),
        ("#1003", "ada@x.org", datetime(2025, 1, 13, 9, 4, 12), "web", 2500, 500, 3000),
    ]
    assert read(tmp_path, profile, "raw_items") == [
        ("#1001-1-1", "#1001", "M-1"),
        ("#1001-1-2", "#1001", "M-1"),
        ("#1001-2-1", "#1001", "B-1"),
        ("#1002-1-1", "#1002", "M-1"),
        ("#1003-1-1", "#1003", "P-1"),
        ("#1003-2-1", "#1003", "B-1"),
    ]
