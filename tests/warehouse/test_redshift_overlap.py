"""Two tables are loaded at once: neither waits while the other one's parts are copied."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.tiny_shop import write_shop
from tests.warehouse.redshift import Redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin

TABLES = ("raw_customers", "raw_stores")


def load_at_once(warehouse: RedshiftWarehouse, conversions: dict[str, Conversion]) -> None:
    with ThreadPoolExecutor(len(conversions)) as pool:
        for done in [
            pool.submit(warehouse.load_files, CONTRACTS[table], [conversion], "run-1")
            for table, conversion in conversions.items()
        ]:
            done.result()


def test_loads_of_two_tables_overlap(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path
) -> None:
    """A replaced file needs every step of a load; the delay stands for the minutes of a large COPY."""
    source = write_shop(tmp_path / "source")
    first = {t: convert_csv(source / f"{t}.csv", CONTRACTS[t], tmp_path) for t in TABLES}
    load_at_once(warehouse, first)
    for table in TABLES:
        path = source / f"{table}.csv"
        path.write_text(path.read_text().replace(",", ",New ", 1).replace("New ", "", 1) + "\n")
    second = {t: convert_csv(source / f"{t}.csv", CONTRACTS[t], tmp_path) for t in TABLES}
    standin.timeline.clear()
    standin.faults.add(Fault("delay", "after", statement="^copy", seconds=4, times=2))
    load_at_once(warehouse, second)
    one, other = [ran for ran in standin.timeline if ran.sql.startswith("copy")]
    assert one.overlaps(other), "one COPY waited for the other load"
    assert [row.file_sha256 for row in warehouse.read_ledger()] == [c.file_sha256 for c in second.values()]
