"""docs/redshift-at-scale.md counts the statements of a run; here they are counted on the stand-in, and compared."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.conftest import PROJECT
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift, ingest, open_redshift
from tests.warehouse.redshift_standin import RedshiftStandin

PAGE = PROJECT / "docs" / "redshift-at-scale.md"
ORDERS = "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\nn1,c1,2025-07-02T10:00:00,s1,1000,50,1050\n"
ITEMS = "id,order_id,sku\nn1,n1,p1\n"


def run(standin: RedshiftStandin, source: Path, work_dir: Path, name: str) -> tuple[int, int, int]:
    """Load; statements, transactions and COPYs that it took."""
    settle(standin)
    standin.timeline.clear()
    warehouse = open_redshift(parallel_loads=1)  # connections, and so their first statements, are then always as many
    ingest(warehouse, source, work_dir, name)
    warehouse.close()
    settle(standin)
    words = [ran.sql.split()[0].lower() for ran in standin.timeline]
    return len(words), words.count("begin"), words.count("copy")


def settle(standin: RedshiftStandin) -> None:
    """The stand-in notes a statement when its answer is gone, which may be a moment after the client has it."""
    seen = -1
    while seen != len(standin.timeline):
        seen = len(standin.timeline)
        time.sleep(0.3)


def test_page_counts_the_statements_that_a_run_takes(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    run(standin, source, work_dir, "first")
    counted = {"nothing new": run(standin, source, work_dir, "again")}
    (source / "raw_orders_2025-07-02.csv").write_text(ORDERS)
    (source / "raw_items_2025-07-02.csv").write_text(ITEMS)
    counted["a day: one new file of orders, one of items"] = run(standin, source, work_dir, "day")
    (source / "raw_items_2025-07-02.csv").write_text(f"{ITEMS}n2,n1,p1\n")
    counted["one file replaced"] = run(standin, source, work_dir, "replaced")
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: tuple(map(int, numbers)) for name, *numbers in rows} == counted


def test_statements_do_not_grow_with_rows(redshift: Redshift, standin: RedshiftStandin, tmp_path: Path) -> None:
    source, work_dir = write_shop(tmp_path / "source"), tmp_path / "work"
    run(standin, source, work_dir, "first")
    header, line = ORDERS.splitlines(keepends=True)
    counted = []
    for day, rows in ((2, 1), (3, 5000)):
        text = header + "".join(line.replace("n1", f"n{day}-{number}", 1) for number in range(rows))
        (source / f"raw_orders_2025-07-0{day}.csv").write_text(text)
        counted.append(run(standin, source, work_dir, f"day {day}"))
    assert counted[0] == counted[1]
