# /// script
# requires-python = ">=3.11"
# dependencies = ["jafgen==0.4.14", "faker==40.54.0", "numpy==2.4.6"]
# ///
"""Rebuild `data/datasets/` byte for byte: three simulated years of a shop, thinned by customer, that then changes.

jafgen (Apache-2.0) simulates the shop; it draws from four random generators, and each is seeded here.
Of the simulated customers one in `--keep-one-in` stays, chosen by a hash of the id, with all of its
orders and all items of those orders, so every key still finds its partner. Products, stores and
supplies stay whole; tweets are dropped.

What the simulation does not know is added after it, from hashes of the records' ids: `evolve.py` changes prices, costs,
a recipe and a tax rate and gives discounts, `refunds.py` and `stock_counts.py` add the tables of these names.

Run it in an environment of its own:  uv run --script data/make_datasets.py
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import random
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from evolve import evolve
from refunds import write_refunds
from stock_counts import write_stock_counts

SEED = 20260723
YEARS = 3
DATASETS = Path(__file__).resolve().parent / "datasets"


def simulate(folder: Path) -> Path:
    """Run the seeded simulation inside `folder`; return the folder of its raw CSV files."""
    import numpy
    from faker import Faker

    ids = random.Random(SEED)
    uuid.uuid4 = lambda: uuid.UUID(int=ids.getrandbits(128), version=4)  # jafgen calls it by attribute
    random.seed(SEED)
    numpy.random.seed(SEED)
    with contextlib.chdir(folder):
        from jafgen.simulation import Simulation

        Faker.seed(SEED)  # after the import: jafgen seeds Faker while it is imported
        simulation = Simulation(YEARS, "raw")
        simulation.run_simulation()
        simulation.save_results()
    return folder / "jaffle-data"


def is_kept(customer_id: str, keep_one_in: int) -> bool:
    """Whether the customer stays: a property of the id alone, so it is stable between versions of the data."""
    return int(hashlib.sha256(customer_id.encode()).hexdigest()[:8], 16) % keep_one_in == 0


def copy_rows(source: Path, target: Path, keep: Callable[[dict[str, str]], bool]) -> Iterator[dict[str, str]]:
    """Copy the header and the records that `keep` accepts; yield each kept record."""
    with source.open(newline="", encoding="utf-8") as read, target.open("w", newline="", encoding="utf-8") as write:
        reader = csv.DictReader(read)
        writer = csv.DictWriter(write, reader.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        for row in reader:
            if keep(row):
                writer.writerow(row)
                yield row


def thin(raw: Path, out: Path, keep_one_in: int) -> None:
    """Write the six thinned CSV files of `raw` into `out`."""
    out.mkdir(parents=True, exist_ok=True)

    def copy(table: str, keep: Callable[[dict[str, str]], bool]) -> list[dict[str, str]]:
        return list(copy_rows(raw / f"{table}.csv", out / f"{table}.csv", keep))

    customers = {row["id"] for row in copy("raw_customers", lambda row: is_kept(row["id"], keep_one_in))}
    orders = {row["id"] for row in copy("raw_orders", lambda row: row["customer"] in customers)}
    copy("raw_items", lambda row: row["order_id"] in orders)
    for table in ("raw_products", "raw_stores", "raw_supplies"):
        copy(table, lambda _: True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DATASETS, help="folder to write (default: data/datasets)")
    parser.add_argument("--keep-one-in", type=int, default=20, help="1 keeps every customer (177 MB)")
    options = parser.parse_args()
    out = options.out.resolve()
    with tempfile.TemporaryDirectory() as folder:
        thin(simulate(Path(folder)), out, options.keep_one_in)
    shop = evolve(out)
    write_refunds(shop, out)
    write_stock_counts(shop, out)
    for path in sorted(out.glob("raw_*.csv")):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
