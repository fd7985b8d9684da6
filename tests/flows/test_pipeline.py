"""The main job as a whole: what a report shows, and that a bad day leaves the last good report standing."""

from __future__ import annotations

import errno
import hashlib
import html
import json
import logging
import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from prefect.client.orchestration import get_client

from flows.errors import ConfigError, DataError, LoadError
from flows.pipeline import retail_pipeline
from flows.report import print_report, report
from flows.run.summary_text import describe
from reports.kpis import KPIS
from tests.conftest import Finished
from tests.tiny_shop import AS_OF, FILES, write_shop

pytestmark = pytest.mark.usefixtures("without_node_runs")


def digest(folder: Path) -> dict[str, str]:
    """Every file of a published report and the hash of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def shipped_report_title(run: Finished) -> str:
    return str(json.loads((run.report / "report.json").read_text(encoding="utf-8"))["title"])


def run_again(source: Path, work_dir: Path) -> None:
    retail_pipeline(source=str(source), work_dir=str(work_dir), as_of=AS_OF)


@pytest.fixture
def work_dir(tiny_run: Finished, tmp_path: Path) -> Path:
    """A copy of the finished tiny run, to be changed at will."""
    return Path(shutil.copytree(tiny_run.work_dir, tmp_path / "work", symlinks=True))


def test_pipeline_shipped_data_leaves_a_complete_summary(shipped_run: Finished) -> None:
    summary = shipped_run.summary
    assert summary == json.loads((shipped_run.work_dir / "runs" / f"{summary['run_id']}.json").read_text())
    assert summary["status"] == "completed"
    assert summary["as_of"] == "2021-08-30"
    assert (
        sum(file["rows_in"] for file in summary["files"])
        == sum(file["rows_loaded"] for file in summary["files"])
        == 98_932
    )
    assert summary["dbt"]["error"] == summary["dbt"]["skipped"] == summary["dbt"]["warned"] == 0
    assert summary["dbt"]["nodes"] == summary["dbt"]["success"] > 50
    assert summary["seconds"].keys() == {"ingest", "transform", "report"}
    assert Path(summary["report"]).is_file()


def test_pipeline_shipped_data_publishes_every_kpi(shipped_run: Finished) -> None:
    names = {path.name for path in shipped_run.report.iterdir()}
    assert names == {"index.html", "index.fr.html", "report.json"} | {
        f"{kpi}.{kind}" for kpi in KPIS for kind in ("png", "svg", "narrow.svg", "parquet")
    }
    for kpi in KPIS.values():
        assert pl.read_parquet(shipped_run.report / f"{kpi.name}.parquet").schema == kpi.schema


def test_pipeline_saves_a_markdown_artifact_of_each_kpi(shipped_run: Finished) -> None:
    with get_client(sync_client=True) as client:
        mine = {"flow_run_id": {"any_": [shipped_run.summary["run_id"]]}}  # all are found at the main run
        found = client.request("POST", "/artifacts/filter", json={"limit": 100, "artifacts": mine}).json()
    artifacts = {artifact["key"]: artifact for artifact in found}
    expected = {f"kpi-{name.replace('_', '-')}" for name in KPIS} | {"ingest-files", "dbt-build", "report"}
    assert artifacts.keys() >= expected
    for key in expected:
        assert artifacts[key]["type"] == "markdown"
    whole = artifacts["report"]
    title = shipped_report_title(shipped_run)
    assert html.unescape(whole["description"].replace("\\", "")) == title
    assert "| Net sales |" in whole["data"]
    assert str(shipped_run.report).replace("_", r"\_").replace("-", r"\-") in whole["data"]
    assert len(whole["data"]) < 200_000
    for name in KPIS:
        data = artifacts[f"kpi-{name.replace('_', '-')}"]["data"]
        assert "](data:image/svg+xml;base64," in data
        assert "| ---: |" in data or "---:" in data
        assert len(data) < 1_000_000


def test_pipeline_star_schema_is_where_users_look_for_it(shipped_run: Finished) -> None:
    with duckdb.connect(str(shipped_run.work_dir / "warehouse.duckdb"), read_only=True) as connection:
        counts = {
            table: connection.execute(f"select count(*) from data_mart.{table}").fetchone()
            for table in ("dim_customers", "dim_stores", "dim_products_supplies", "fact_orders_items", "fact_orders")
        }
        schemas = {
            row[0]
            for row in connection.execute("select distinct table_schema from information_schema.tables").fetchall()
        }
    assert counts == {
        "dim_customers": (135,),
        "dim_stores": (6,),
        "dim_products_supplies": (10,),
        "fact_orders_items": (56_065,),
        "fact_orders": (36_598,),
    }
    assert schemas == {"raw", "staging", "intermediate", "data_mart", "ops"}


def test_pipeline_refused_file_keeps_the_old_report(work_dir: Path, tmp_path: Path) -> None:
    before = digest(work_dir / "reports/latest")
    source = write_shop(tmp_path / "source", raw_orders="not,the,header\n1,2,3\n")
    with pytest.raises(DataError, match=r"raw_orders\.csv"):
        run_again(source, work_dir)
    assert digest(work_dir / "reports/latest") == before


def test_pipeline_failed_dbt_test_keeps_the_old_report(work_dir: Path, tmp_path: Path) -> None:
    before = digest(work_dir / "reports/latest")
    wrong_tax = FILES["raw_orders.csv"].replace("s1,2000,100,2100", "s1,2000,900,2900")
    source = write_shop(tmp_path / "source", raw_orders=wrong_tax)
    with pytest.raises(LoadError, match="assert_unexplained_tax_stays_small"):
        run_again(source, work_dir)
    assert digest(work_dir / "reports/latest") == before
    summary = report(work_dir=str(work_dir), as_of=AS_OF)  # the last good marts stand, and say what they lack
    assert summary["files_loaded_since_build"] is True
    after = digest(work_dir / "reports/latest")
    changed = {name for name, found in after.items() if found != before[name]}
    assert changed == {"index.html", "index.fr.html", "report.json"}
    assert "Files were loaded since these numbers were built" in Path(summary["report"]).read_text(encoding="utf-8")


def test_pipeline_few_bad_records_still_give_a_report_that_says_so(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item is lost to the quarantine: the order is short, dbt warns, and the page passes the warning on."""
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "0.2")
    source = write_shop(tmp_path / "source", raw_items=FILES["raw_items.csv"].replace("i5,o3,p2", "i5,o3"))
    summary = retail_pipeline(source=str(source), work_dir=str(work_dir), as_of=AS_OF)
    assert summary["status"] == "completed"
    assert summary["dbt"]["findings"] == {"orders of unexplained sales": 1}
    page = Path(summary["report"]).read_text(encoding="utf-8")
    assert "Orders of unexplained sales: 1 ($2.50)." in page
    assert "1 record of raw_items set aside." in page.split('id="products"')[1].split("<section")[0]


def test_pipeline_duplicates_and_orphans_are_counted_and_shown(work_dir: Path, tmp_path: Path) -> None:
    """A later drop delivers an order again, one with the id of another one, and one of a customer nobody knows."""
    orders = FILES["raw_orders.csv"].splitlines(keepends=True)
    source = write_shop(tmp_path / "source")
    (source / "raw_orders_later.csv").write_text(
        orders[0] + orders[1] + orders[2].replace("c1", "c2") + "o8,c9,2025-01-01T08:00:00,s1,0,0,0\n"
    )
    summary = retail_pipeline(source=str(source), work_dir=str(work_dir), as_of=AS_OF)
    expected = {"superseded orders": 1, "orders of reused ids": 1, "orders of unknown customers": 1}
    assert summary["dbt"]["findings"] == expected
    page = Path(summary["report"]).read_text(encoding="utf-8")
    for finding, count in expected.items():
        assert f"counted {count} {finding}" in describe(summary)
    assert "Orders of unknown customers: 1." in page
    numbers, _, quality = page.partition('<section id="quality"')
    assert "Superseded" not in numbers, "what a later delivery replaced casts no doubt on the numbers"
    assert "Superseded orders: 1." in quality
    assert "Orders of reused ids: 1 ($" in numbers, "an order that counts nowhere is told with its amount"
    with duckdb.connect(str(work_dir / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("select count(*) from raw.raw_orders where id = 'o2'").fetchone()
        kept = connection.execute("select customer_id from staging.stg_orders where order_id = 'o2'").fetchall()
    assert rows == (2,)
    assert kept == [("c2",)]


PRINTER = """#!/bin/sh
for option in "$@"; do
  case $option in --print-to-pdf=*) echo "%PDF-1.4" > "${option#*=}" ;; esac
done
"""


def test_report_as_of_another_day_counts_up_to_it(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "printer").write_text(PRINTER, encoding="utf-8")
    (tmp_path / "printer").chmod(0o755)
    monkeypatch.setenv("RETAIL_CHROMIUM", str(tmp_path / "printer"))
    summary = report(work_dir=str(work_dir), as_of=date(2024, 6, 30), pdf=True)
    assert (work_dir / "reports/2024-06-30/report.pdf").read_bytes().startswith(b"%PDF")
    assert not (work_dir / "reports/latest/report.pdf").exists(), "nobody asked for that one's"
    assert summary["as_of"] == "2024-06-30"
    assert Path(summary["report"]) == work_dir / "reports/2024-06-30/index.html"
    frame = pl.read_parquet(work_dir / "reports/2024-06-30/sales_per_customer.parquet")
    assert frame["customer_id"].to_list() == ["c2"]
    assert (work_dir / "reports/latest").resolve() != (work_dir / "reports/2024-06-30").resolve()


def test_report_as_of_before_the_first_order_is_a_configuration_error(work_dir: Path) -> None:
    with pytest.raises(ConfigError, match="before the first order"):
        report(work_dir=str(work_dir), as_of=date(2000, 1, 1))


def test_report_without_a_chromium_goes_out_without_pdf(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.report.get_run_logger", lambda: logging.getLogger("report"))
    print_report.fn(tmp_path / "index.html", "no-such-chromium")
    assert "the report has no PDF: no-such-chromium is not a program" in caplog.text
    assert not (tmp_path / "report.pdf").exists()


def test_report_keeps_only_the_newest(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_KEEP_REPORTS", "1")
    (work_dir / "reports/mine").mkdir()  # not a report: stays
    report(work_dir=str(work_dir), as_of=date(2025, 6, 29))
    summary = report(work_dir=str(work_dir))
    names = {path.name for path in (work_dir / "reports").iterdir()}
    days = {name for name in names if name.startswith("20")}
    assert days == {"2025-06-29", summary["as_of"]}, "the first of June and the newest, not the last of June"
    assert names - days > {"latest", "mine", "index.html", summary["run_id"]}
    assert len(names - days) == 5, "and the run of the first of June"
    assert (work_dir / "reports/latest").resolve().name == summary["run_id"]


def test_a_report_that_cannot_take_its_place_says_so_and_the_old_one_stays(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(work_dir / "reports/latest")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "symlink_to", fail)
    with pytest.raises(LoadError, match=r"No space left.*Free space") as refused:
        report(work_dir=str(work_dir), as_of=date(2025, 6, 29))
    assert str(work_dir / "reports") in str(refused.value)
    assert digest(work_dir / "reports/latest") == before
