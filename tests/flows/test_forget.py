"""A customer is forgotten after whole runs: no byte of the work folder or of Prefect's database names them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_to_bytes

import duckdb
import polars as pl
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.settings import get_current_settings

from flows.errors import LoadError
from flows.forget import forget
from flows.ingest import ingest
from flows.report import report
from flows.run.forget_command import Command, hand_over
from reports.kpis import KPIS
from tests.conftest import DATASETS, Finished
from tests.tiny_shop import FILES, write_shop

PAST = date(2021, 8, 1)


@dataclass(frozen=True)
class Customer:
    """Who is forgotten: the one who bought least in the last year.

    No artifact of the run that other tests look at shows them, so that these stay as they are.
    """

    id: str
    name: str


def read_all(path: Path) -> str:
    """Everything that a file says, unpacked: Parquet, gzip, tables of DuckDB; and its bytes as they are."""
    pieces = [path.read_bytes()]
    if path.suffix == ".parquet":
        pieces.append(repr(pl.read_parquet(path, glob=False).rows()).encode())
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as connection:
            tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
            sql = "select string_agg(concat_ws(' ', *columns(*)), ' ') from {}"
            rows = [connection.execute(sql.format(*table)).fetchone() for table in tables]
            pieces += ["".join(map(str, row or ())).encode() for row in rows]
    if path.suffix == ".gz":
        pieces.append(gzip.decompress(pieces[0]))
    said = b"".join(pieces)
    plain = unquote_to_bytes(said)  # of bytes: in the text of a binary file each strange letter costs it a step
    said = said if plain == said else said + plain
    mixed_in = dict.fromkeys(re.findall(rb"base64,([A-Za-z0-9+/]{40,})", said))
    said = b"".join((said, *(base64.b64decode(each[: len(each) // 4 * 4]) for each in mixed_in)))
    return said.decode("utf-8", "replace")


def find_naming(customer: Customer, *places: Path) -> set[str]:
    """The files that name the customer."""
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    plain = ((path, read_all(path)) for path in files if path.is_file() and not path.is_symlink())
    return {str(path) for path, said in plain if customer.id in said or customer.name in said}


def list_database() -> list[Path]:
    """The files of Prefect's database."""
    url = get_current_settings().server.database.connection_url
    assert url
    path = Path(url.get_secret_value().split("///", 1)[1])
    return [path, path.with_name(f"{path.name}-wal")]


def find_least(work_dir: Path) -> Customer:
    """The last of those whom the reports of both days show."""
    latest, past = (
        pl.read_parquet(work_dir / "reports" / day / "sales_per_customer.parquet")["customer_id", "customer_name"]
        for day in ("latest", PAST.isoformat())
    )
    return Customer(*latest.filter(pl.col("customer_id").is_in(past["customer_id"].to_list())).row(-1))


@pytest.fixture(scope="module")
def before(shipped_run: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with the reports of two days, and with what may lie beside them."""
    work_dir = tmp_path_factory.mktemp("before") / "work"
    shutil.copytree(shipped_run.work_dir, work_dir, symlinks=True)
    with patch("flows.report.publish_artifacts"):
        report(work_dir=str(work_dir), as_of=PAST)
    least = find_least(work_dir)
    said = json.dumps({"run_id": "x", "error": f"duplicate key {least.id}", "rows_in": 3})
    (work_dir / "runs" / "11111111-1111-1111-1111-111111111111.json").write_text(said)
    (work_dir / "dbt" / "local" / "old.log").write_text(f"{least.name} is there twice")
    return work_dir


@pytest.fixture(scope="module")
def customer(before: Path) -> Customer:
    return find_least(before)


@pytest.fixture(scope="module")
def work_dir(before: Path, customer: Customer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder, to forget the customer in."""
    folder = tmp_path_factory.mktemp("after") / "work"
    shutil.copytree(before, folder, symlinks=True)
    with get_client(sync_client=True) as client:
        said = f"| {customer.id} | {customer.name} |"
        client.create_artifact(ArtifactCreate(key="forgotten", type="markdown", data=said))
    named = {path.removeprefix(f"{folder}/").split("/")[0] for path in find_naming(customer, folder)}
    assert named >= {"lake", "reports", "runs", "dbt", "warehouse.duckdb"}
    assert find_naming(customer, *list_database()) != set()
    return folder


@pytest.fixture(scope="module")
def forgotten(work_dir: Path, customer: Customer) -> Iterator[dict[str, Any]]:
    """What the run says that forgot the customer."""
    hand_over(Command([customer.id], {}))
    trial = forget(work_dir=str(work_dir), dry_run=True)["forgotten"]
    assert find_naming(customer, work_dir / "lake", work_dir / "reports") != set()
    done = forget(work_dir=str(work_dir))["forgotten"]
    for said in (trial, done):  # events are written when the server likes
        said["changed"].pop("rows of Prefect's databases", None)
    assert done["changed"] == trial["changed"]
    assert done["changed"]["artifacts"] == 1
    yield done
    hand_over(Command([], {}))


def test_no_byte_of_work_folder_and_prefect_names_the_customer(
    work_dir: Path, customer: Customer, forgotten: dict[str, Any]
) -> None:
    assert find_naming(customer, work_dir, *list_database()) == set()


def test_summary_counts_and_names_pseudonyms_and_the_files_of_the_source(forgotten: dict[str, Any]) -> None:
    assert len(forgotten["pseudonyms"]) == forgotten["known"] == 1
    assert forgotten["still_in_source"] == ["raw_customers.csv", "raw_orders.csv"]
    assert forgotten["changed"]["reports"] == 2
    tables = {"raw.raw_customers", "raw.raw_orders", "data_mart.dim_customers", "data_mart.fact_orders"}
    assert tables <= set(forgotten["changed"])


def test_reports_of_all_days_show_the_pseudonym_and_the_same_figures(
    before: Path, work_dir: Path, customer: Customer, forgotten: dict[str, Any]
) -> None:
    for day in ("latest", PAST.isoformat()):
        was, now = before / "reports" / day, work_dir / "reports" / day
        files = {path.name for path in was.iterdir()}
        assert {path.name for path in now.iterdir()} == files
        changed = {name.partition(".")[0] for name in files if (was / name).read_bytes() != (now / name).read_bytes()}
        assert changed == {"index", "report", "sales_per_customer"}
        facts, told = (json.loads((folder / "report.json").read_text("utf-8")) for folder in (was, now))
        assert facts | {"files": told["files"]} == told
        assert told["files"] == {
            name: hashlib.sha256((now / name).read_bytes()).hexdigest() for name in files - {"report.json"}
        }
        old, new = (pl.read_parquet(folder / "sales_per_customer.parquet") for folder in (was, now))
        assert new.drop("customer_id", "customer_name").equals(old.drop("customer_id", "customer_name"))
        (pseudonym,) = forgotten["pseudonyms"]
        assert new["customer_id"].to_list() == old["customer_id"].replace(customer.id, pseudonym).to_list()
        footers = [re.findall(r"<footer>.*?</footer>", (each / "index.html").read_text("utf-8")) for each in (was, now)]
        assert footers[0] == footers[1] != []


def test_next_report_has_the_same_figures_from_the_same_proven_build(
    before: Path, work_dir: Path, customer: Customer, forgotten: dict[str, Any]
) -> None:
    with patch("flows.report.publish_artifacts"):
        report(work_dir=str(work_dir))
    for kpi in KPIS:
        was, now = (folder / "reports" / "latest" / f"{kpi}.parquet" for folder in (before, work_dir))
        if kpi != "sales_per_customer":
            assert was.read_bytes() == now.read_bytes(), kpi
    assert find_naming(customer, work_dir, *list_database()) == set()


def test_no_later_ingest_brings_them_back(
    work_dir: Path, customer: Customer, forgotten: dict[str, Any], tmp_path: Path
) -> None:
    source = Path(shutil.copytree(DATASETS, tmp_path / "source"))
    assert {file["status"] for file in ingest(source=str(source), work_dir=str(work_dir))["files"]} == {"unchanged"}
    with (source / "raw_orders.csv").open("a", encoding="utf-8") as file:
        file.write(f"new,{customer.id},2021-08-30T10:00:00,no store,0,0,0\nbad,{customer.id},yesterday,s,0,0,0\n")
    with duckdb.connect(str(work_dir / "warehouse.duckdb")) as connection:
        connection.execute("drop schema raw cascade")
        connection.execute("delete from ops.load_ledger")
    again = ingest(source=str(source), work_dir=str(work_dir))
    assert {file["status"] for file in again["files"]} == {"loaded"}
    assert find_naming(customer, work_dir, *list_database()) == set()


def test_a_second_time_changes_nothing(work_dir: Path, forgotten: dict[str, Any]) -> None:
    changed = forget(work_dir=str(work_dir))["forgotten"]["changed"]
    assert set(changed) <= {"rows of Prefect's databases"}


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    "stopped_at",
    [
        "flows.forget.hide_in_parts",
        "flows.forget.hide_in_reports",
        "flows.forget.hide_artifacts",
        "flows.warehouse.duckdb.warehouse.DuckDBWarehouse.replace_customers",
        "flows.warehouse.duckdb.warehouse.DuckDBWarehouse.rewrite",
        "flows.forget.publish",
    ],
)
def test_run_that_failed_half_way_is_made_good_by_the_next_one(
    stopped_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = Customer("cust-4711-ada", "Ada Countess Lovelace")
    renamed = {
        "raw_customers": FILES["raw_customers.csv"].replace("c1,Ada", f"{customer.id},{customer.name}"),
        "raw_orders": FILES["raw_orders.csv"].replace(",c1,", f",{customer.id},")
        + f"bad,{customer.id},yesterday,s,0,0,0\n",
    }
    source, work_dir = str(write_shop(tmp_path / "source", **renamed)), tmp_path / "work"
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "0.5")
    ingest(source=source, work_dir=str(work_dir))
    (work_dir / "dbt").mkdir()
    (work_dir / "dbt" / "dbt.log").write_text(customer.name)
    hand_over(Command([customer.id], {}))
    with patch(stopped_at, side_effect=LoadError("the disk is full")), pytest.raises(LoadError, match="disk is full"):
        forget(source=source, work_dir=str(work_dir))
    assert ingest(source=source, work_dir=str(work_dir))["status"] == "completed"
    assert forget(source=source, work_dir=str(work_dir))["status"] == "completed"
    hand_over(Command([], {}))
    assert find_naming(customer, work_dir, *list_database()) == set()
    assert ingest(source=source, work_dir=str(work_dir))["status"] == "completed"
    assert find_naming(customer, work_dir) == set()
