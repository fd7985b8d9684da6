"""The user interface that `make ui` starts, used as a person uses it: in a real Chromium, with mouse and keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.conftest import chromium
from tests.browser.driven import PATIENCE_SECONDS, Page, Theme, drive
from tests.tiny_shop import write_shop

__all__ = ["chromium"]
pytestmark = pytest.mark.browser

DEPLOYMENT = "retail-pipeline/nightly-pipeline-local"
SECONDS_OF_A_RUN = 480
SECONDS_TO_CANCEL = 240  # for Prefect's worker, which hears of it, ends the process, and tells the state
FIELD = "[...document.querySelectorAll('.schema-form-property')].find(e => e.innerText.startsWith('{} (Optional)'))"
STATE = "[...document.querySelectorAll('.state-badge')].some(e => e.innerText.trim() === '{}')"
CHOSEN = "document.querySelector('[role=tablist] .p-tab__active')?.innerText.trim() === '{}'"
DRAWN = "[...document.querySelectorAll('article img, .markdown-renderer img')].some(e => e.naturalWidth > 0)"
BRIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
THEIRS = ("/favicon.ico", "/favicon-dark.ico", "/ico/undefined.svg")  # which Prefect's own pages ask for in vain


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with drive(chromium, tmp_path_factory.mktemp("browser") / "profile") as page:
        page.look("light", width=1440)
        yield page


def address(api: httpx.Client, path: str) -> str:
    return f"{str(api.base_url).rstrip('/').removesuffix('/api')}{path}"


def open_form(page: Page, api: httpx.Client) -> None:
    deployment = api.get(f"/deployments/name/{DEPLOYMENT}").json()["id"]
    page.open(address(api, f"/deployments/deployment/{deployment}/run"))
    page.wait_for_text("source (Optional)", "Folder of the raw CSV files", "Submit")


def write_parameter(page: Page, name: str, value: Path) -> None:
    """Into a field of the form, which is empty at first and then offers the types it takes."""
    field = FIELD.format(name)
    page.press(f"[...{field}.querySelectorAll('button')].find(e => e.innerText.trim() === 'str')")
    page.fill(f"{field}.querySelector('.schema-form-property__fields :is(input, textarea)')", str(value))


def start_run(page: Page, api: httpx.Client, folder: Path) -> str:
    """Fill the form with a source and a work folder, submit it, and follow it to the page of its run; the run's id."""
    open_form(page, api)
    write_parameter(page, "source", write_shop(folder / "source"))
    write_parameter(page, "work_dir", folder / "work")
    page.click("Submit")
    page.click("View run")
    run = str(page.wait_for("location.pathname.split('/runs/flow-run/')[1]"))
    page.open(address(api, f"/runs/flow-run/{run}"))  # anew, for what was left names states and runs, too
    page.wait_for_text("Job Variables")
    return run


def open_tab(page: Page, name: str) -> None:
    """Press it until it is chosen: while its run goes on the page may draw itself anew under the mouse."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(CHOSEN.format(name)):
        assert time.monotonic() < end, f"{name} is never chosen:\n{page.text()}"
        page.click(name)
        time.sleep(1)


def wait_for_state(page: Page, name: str, within: float = SECONDS_OF_A_RUN) -> None:
    page.wait_for(STATE.format(name), within)


def artifacts_of(api: httpx.Client, run: str) -> dict[str, dict[str, Any]]:
    wanted = {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 100}
    found = api.post("/artifacts/filter", json=wanted).json()
    assert len({each["key"] for each in found}) == len(found), "two artifacts of a run have one key"
    return {each["key"]: each for each in found}


def open_artifact(page: Page, api: httpx.Client, artifact: dict[str, Any]) -> None:
    page.open(address(api, f"/artifacts/artifact/{artifact['id']}"))
    page.wait_for_text(artifact["key"], artifact["id"])


@pytest.fixture(scope="module")
def finished(page: Page, api: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A run that was started in the form and was seen to finish: its id, and the work folder it was given there."""
    folder = tmp_path_factory.mktemp("shop")
    run = start_run(page, api, folder)
    wait_for_state(page, "Completed")
    return run, folder / "work"


def test_run_started_in_the_form_takes_what_was_written_there_and_finishes(
    page: Page, api: httpx.Client, finished: tuple[str, Path]
) -> None:
    run, work_dir = finished
    known = api.get(f"/flow_runs/{run}").json()
    assert known["state"]["type"] == "COMPLETED"
    assert known["parameters"]["work_dir"] == str(work_dir)
    assert (work_dir / "reports" / "latest" / "index.html").is_file()
    open_tab(page, "Artifacts")
    page.wait_for_text("run-summary", "completed: 6 files, 31 records")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_artifacts_are_readable_in_both_themes(
    page: Page, api: httpx.Client, finished: tuple[str, Path], theme: Theme
) -> None:
    artifacts = artifacts_of(api, finished[0])
    page.remember("color-scheme", f'"{theme}"')  # where Prefect keeps what was chosen under Settings
    page.look(theme, width=800)
    page.complaints.clear()
    open_artifact(page, api, artifacts["report"])
    page.wait_for(DRAWN)
    assert (sum(page.evaluate(BRIGHTNESS)) > 380) == (theme == "light")
    open_artifact(page, api, artifacts["kpi-sales-by-month"])
    page.wait_for(DRAWN)
    open_artifact(page, api, artifacts["run-summary"])
    page.wait_for_text("31 rows in = 31 loaded + 0 set aside.", "raw_orders.csv", "slowest nodes")
    open_artifact(page, api, artifacts["ingest-files"])
    page.wait_for_text("6 files (6 loaded), 31 records: 31 loaded, 0 set aside")
    assert [said for said in page.complaints if not said.endswith(THEIRS)] == []


def test_run_cancelled_in_the_interface_ends_as_cancelled_and_its_artifact_says_so(
    page: Page, api: httpx.Client, tmp_path: Path
) -> None:
    run = start_run(page, api, tmp_path)
    wait_for_state(page, "Running")
    open_tab(page, "Artifacts")
    page.wait_for_text("run-summary", within=SECONDS_OF_A_RUN)
    before = artifacts_of(api, run)["run-summary"]
    assert "| status | running since 2" in before["data"]
    page.click("Cancel")
    page.wait_for_text("Cancel Flow Run")
    page.click("Confirm")
    wait_for_state(page, "Cancelled", SECONDS_TO_CANCEL)
    assert api.get(f"/flow_runs/{run}").json()["state"]["type"] == "CANCELLED"
    after = artifacts_of(api, run)["run-summary"]
    assert after["id"] == before["id"]
    assert "| status | cancelled |" in after["data"]
    open_artifact(page, api, after)
    page.wait_for_text("cancelled", "This run")
