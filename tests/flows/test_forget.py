"""A customer is forgotten after whole runs: no byte of the work folder or of Prefect's database names them."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from prefect.settings import get_current_settings

from flows.forget import forget
from flows.pipeline import retail_pipeline
from flows.report import report
from flows.run.forget_command import Command, hand_over
from reports.kpis import KPIS
from tests.conftest import Finished
from tests.small_shop import write_small_shop

ID, NAME = "cust-2f1c-9b", "Wilhelmina Übermann-O'Hara"
CUSTOMERS = {"sales_per_customer"}
PAST = date(2025, 3, 1)


def write_source(folder: Path) -> Path:
    """The small shop, whose best customer has a telling id and name; two bad records of theirs come too."""
    write_small_shop(folder)
    customers = (folder / "raw_customers.csv").read_text(encoding="utf-8")
    customers = re.sub(r"^c1,.*$", f"{ID},{NAME}", customers, flags=re.MULTILINE)
    (folder / "raw_customers.csv").write_text(customers, encoding="utf-8")
    orders = (folder / "raw_orders.csv").read_text(encoding="utf-8").replace(",c1,", f",{ID},")
    (folder / "raw_orders.csv").write_text(orders + f"bad,{ID},yesterday,s1,1,1,2\n", encoding="utf-8")
    refunds = (folder / "raw_refunds.csv").read_text(encoding="utf-8")
    (folder / "raw_refunds.csv").write_text(refunds.replace(",late\n", f",{NAME} waited\n"), encoding="utf-8")
    return folder


def prefect_database() -> Path:
    url = get_current_settings().server.database.connection_url
    assert url
    return Path(url.get_secret_value().split("///", 1)[1])


def read_all(path: Path) -> str:
    """Everything that a file says, unpacked: Parquet, gzip, tables of DuckDB; and its bytes as they are."""
    data = path.read_bytes()
    said = data.decode("utf-8", "replace")
    if path.suffix == ".parquet":
        said += repr(pl.read_parquet(path, glob=False).rows())
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as connection:
            tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
            said += repr([connection.execute(f"select * from {table}").fetchall() for (table,) in tables])
    if path.suffix == ".gz":
        said += gzip.decompress(data).decode("utf-8", "replace")
    for mixed_in in re.findall(r"base64,([A-Za-z0-9+/=]{40,})", said):
        said += base64.b64decode(mixed_in + "=" * (-len(mixed_in) % 4)).decode("utf-8", "replace")
    return said


def find_naming(*places: Path) -> set[str]:
    """The files that name the customer, however it is spelled there."""
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    spelled = [ID, "Wilhelmina", "Übermann", "\\u00dcbermann", "&#39;Hara", "O%27Hara", "%C3%9Cbermann"]
    return {
        str(path)
        for path in files
        if path.is_file() and not path.is_symlink() and any(each in read_all(path) for each in spelled)
    }


@pytest.fixture(scope="module")
def before(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Two reports of the shop, of today and of a past day, and what may lie beside them."""
    source, work_dir = write_source(tmp_path_factory.mktemp("shop")), tmp_path_factory.mktemp("work")
    summary = retail_pipeline(source=str(source), work_dir=str(work_dir))
    report(work_dir=str(work_dir), as_of=PAST)
    (work_dir / "runs" / "11111111-1111-1111-1111-111111111111.json").write_text(
        json.dumps({"run_id": "x", "error": f"duplicate key {ID}", "rows_in": 3})
    )
    (work_dir / "dbt" / "local" / "logs").mkdir(exist_ok=True, parents=True)
    (work_dir / "dbt" / "local" / "logs" / "old.log").write_text(f"{NAME} is there twice")
    return Finished(summary | {"source": str(source)}, work_dir)


@pytest.fixture(scope="module")
def kept(before: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder as it was."""
    return Path(shutil.copytree(before.work_dir, tmp_path_factory.mktemp("kept") / "work", symlinks=True))


@pytest.fixture(scope="module")
def after(before: Finished, kept: Path) -> Iterator[dict[str, Any]]:
    """The summary of the run that forgot the customer."""
    named = {path.removeprefix(f"{before.work_dir}/").split("/")[0] for path in find_naming(before.work_dir)}
    assert named >= {"lake", "quarantine", "reports", "runs", "dbt", "warehouse.duckdb"}
    assert find_naming(prefect_database()) != set()
    hand_over(Command([ID], {}))
    yield forget(source=before.summary["source"], work_dir=str(before.work_dir))
    hand_over(Command([], {}))


def test_no_byte_of_work_folder_and_prefect_names_the_customer(before: Finished, after: dict[str, Any]) -> None:
    assert find_naming(before.work_dir) == set()
    database = prefect_database()
    assert find_naming(database, database.with_name(f"{database.name}-wal")) == set()


def test_summary_counts_and_names_pseudonyms_and_the_files_of_the_source(after: dict[str, Any]) -> None:
    said = after["forgotten"]
    assert len(said["pseudonyms"]) == 1
    assert said["known"] == 1
    assert said["still_in_source"] == ["raw_customers.csv", "raw_orders.csv"]
    assert said["changed"]["reports"] == 2
    assert {"raw.raw_customers", "raw.raw_orders", "data_mart.dim_customers", "data_mart.fact_orders"} <= set(
        said["changed"]
    )


def test_reports_of_all_days_show_the_pseudonym_and_the_same_figures(
    before: Finished, kept: Path, after: dict[str, Any]
) -> None:
    for day in ("latest", PAST.isoformat()):
        was, now = kept / "reports" / day, before.work_dir / "reports" / day
        assert {path.name for path in now.iterdir()} == {path.name for path in was.iterdir()}
        same = [path.name for path in was.iterdir() if path.read_bytes() == (now / path.name).read_bytes()]
        changed = {path.name.partition(".")[0] for path in was.iterdir()} - {name.partition(".")[0] for name in same}
        assert changed == {"index", "sales_per_customer"}
        old, new = (pl.read_parquet(folder / "sales_per_customer.parquet") for folder in (was, now))
        assert new.drop("customer_id", "customer_name").equals(old.drop("customer_id", "customer_name"))
        assert new["customer_id"].to_list() == [
            after["forgotten"]["pseudonyms"][0] if each == ID else each for each in old["customer_id"]
        ]
        page, old_page = ((folder / "index.html").read_text(encoding="utf-8") for folder in (now, was))
        assert re.findall(r"<footer>.*?</footer>", page) == re.findall(r"<footer>.*?</footer>", old_page)


def test_next_run_shows_the_same_figures_and_does_not_bring_them_back(
    before: Finished, kept: Path, after: dict[str, Any], tmp_path: Path
) -> None:
    source = Path(shutil.copytree(before.summary["source"], tmp_path / "source"))
    summary = retail_pipeline(source=str(source), work_dir=str(before.work_dir))
    assert {file["status"] for file in summary["files"]} == {"unchanged"}
    for kpi in KPIS:
        was, now = (folder / "reports" / "latest" / f"{kpi}.parquet" for folder in (kept, before.work_dir))
        assert kpi in CUSTOMERS or was.read_bytes() == now.read_bytes(), kpi
    assert find_naming(before.work_dir) == set()
    with (source / "raw_orders.csv").open("a", encoding="utf-8") as file:
        file.write(f"new,{ID},2025-06-16T10:00:00,s1,0,0,0\n")
    with duckdb.connect(str(before.work_dir / "warehouse.duckdb")) as connection:
        for schema in ("raw", "staging", "intermediate", "data_mart"):
            connection.execute(f"drop schema {schema} cascade")
        connection.execute("delete from ops.load_ledger")
    again = retail_pipeline(source=str(source), work_dir=str(before.work_dir))
    assert {file["status"] for file in again["files"]} == {"loaded"}
    database = prefect_database()
    assert find_naming(before.work_dir, database, database.with_name(f"{database.name}-wal")) == set()


def test_trial_changes_nothing_and_a_second_time_finds_nothing(kept: Path, before: Finished, tmp_path: Path) -> None:
    work_dir = Path(shutil.copytree(kept, tmp_path / "work", symlinks=True))
    files = {
        path: path.read_bytes() for top in ("lake", "reports", "quarantine") for path in (work_dir / top).rglob("*.*")
    }
    hand_over(Command([ID], {}))
    trial = forget(source=before.summary["source"], work_dir=str(work_dir), dry_run=True)["forgotten"]
    assert {path: path.read_bytes() for path in files} == files
    done = forget(source=before.summary["source"], work_dir=str(work_dir))["forgotten"]
    assert {place: trial["changed"][place] for place in done["changed"] if "Prefect" not in place} == {
        place: count for place, count in done["changed"].items() if "Prefect" not in place
    }
    assert forget(source=before.summary["source"], work_dir=str(work_dir))["forgotten"]["changed"] == {}
