"""One Prefect server and one run on the shipped data, shared by the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from flows.run.entry import search_memory_seldom
from tests.kept_parses import KEPT_PARSES, parsing_once_in_flows
from tests.looked_up_once import looking_up_once

if TYPE_CHECKING:
    from tests.warehouse.redshift import Redshift

# `make test-redshift` hands a real workgroup to the tests that ask for a Redshift; nothing else may be inherited
IS_REAL = os.environ.get("RETAIL_TEST_REDSHIFT") == "real"
REAL_REDSHIFT = {name: value for name, value in os.environ.items() if IS_REAL and name.startswith("RETAIL_")}

for name in [name for name in os.environ if name.startswith(("RETAIL_", "DBT_"))]:
    if name != "RETAIL_SKIP_BROWSER":
        del os.environ[name]  # a test must not depend on who runs it

search_memory_seldom()
pytest_plugins = [
    "tests.warehouse.redshift_standin.fixtures",  # one stand-in for Redshift, shared by the session
    "tests.ended_servers",
]

PROJECT = Path(__file__).resolve().parent.parent
DATASETS = PROJECT / "data" / "datasets"


@dataclass(frozen=True)
class Finished:
    """A run that has ended: its summary and its work folder."""

    summary: dict[str, Any]
    work_dir: Path

    @property
    def report(self) -> Path:
        return self.work_dir / "reports" / "latest"


SHARES_THE_SERVER = ("tests/browser/", "tests/flows/", "tests/unit/test_readme.py")
SHARES_THE_SHIPPED_RUN = (
    "tests/browser/",
    "tests/unit/test_readme.py",
    *(f"tests/flows/test_{name}" for name in ("forget", "kpis", "metrics", "newcomer", "notebook", "pipeline")),
    *(f"tests/flows/test_{name}" for name in ("redshift_pipeline", "report_languages", "run_summary")),
)
SHARES_THE_UI = tuple(f"tests/flows/test_{name}.py" for name in ("deployments", "automations", "prefect_ui"))
HAS_ITS_OWN = ("tests/flows/test_recipes.py",)
LONGEST_FIRST = (  # what takes 15 s and more, so that no process begins one of them when the others have ended
    "server",
    "shipped",
    "ui",
    *(f"tests/{name}.py" for name in ("warehouse/test_changing_shop", "unit/test_redrawing", "flows/test_recipes")),
    *(f"tests/warehouse/test_{name}.py" for name in ("random_deliveries", "redshift_reader", "real_redshift")),
    *(f"tests/unit/test_{name}.py" for name in ("report_odd_data", "interruption", "convert_oracle", "dbt_by_hand")),
    *(f"tests/redshift_python/test_{name}.py" for name in ("models_on_both", "schema_changes", "failures")),
    *(f"tests/{name}.py" for name in ("kpis/test_past_days", "unit/test_matplotlibrc", "kpis/test_on_redshift")),
)


def find_scope(nodeid: str) -> str:
    """What the tests of one process go by: the server and the runs that they share, else their file."""
    file = nodeid.split("::", maxsplit=1)[0]
    if file in SHARES_THE_UI:
        return "ui"
    if file.startswith(SHARES_THE_SHIPPED_RUN):
        return "shipped"
    return "server" if file.startswith(SHARES_THE_SERVER) and file not in HAS_ITS_OWN else file


def rank_scope(scope: str) -> int:
    """Its place among those that take long; all others come after them."""
    return LONGEST_FIRST.index(scope) if scope in LONGEST_FIRST else len(LONGEST_FIRST)


class ByWhatTheyShare(LoadScopeScheduling):
    """With `-n`: the tests of one file go to one process, and so do all that share a Prefect server and its runs.

    There are two such servers, so that two processes have about as much to do: one for what reads the run on the
    shipped data, one for all else.
    """

    def _split_scope(self, nodeid: str) -> str:
        return find_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByWhatTheyShare:
    config.option.loadscopereorder = False  # by the number of tests, which says nothing of how long they take
    return ByWhatTheyShare(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take long first: processes begin scopes in the order of their first test."""
    items.sort(key=lambda item: rank_scope(find_scope(item.nodeid)))


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> None:
    """Names of tests must not hold what was computed: bytes, which may hold a time, need ids of their own."""
    if isinstance(val, bytes):
        raise pytest.UsageError(f"the parameter {argname!r} has bytes for values: name them with ids=[…]")


@pytest.fixture(scope="session")
def kept_in_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once in the session, whatever process makes it."""
    of_session = tmp_path_factory.getbasetemp()
    return of_session.parent if "PYTEST_XDIST_WORKER" in os.environ else of_session


@pytest.fixture(scope="session", autouse=True)
def kept_parses(kept_in_session: Path) -> None:
    """Where `parsing_once` keeps what dbt has parsed, told to children too."""
    os.environ[KEPT_PARSES] = str(kept_in_session / "parses")


@pytest.fixture(scope="session", autouse=True)
def lookups() -> Iterator[None]:
    """What libraries look up for each test is looked up once."""
    with looking_up_once():
        yield


@pytest.fixture(scope="session")
def prefect_server(kept_in_session: Path) -> Iterator[None]:
    """A Prefect server with an empty database of its own; its flows draw a table, and parse the project, once.

    Flows in this process send it no heartbeats, as in a run with a server of its own: each would wait for its own.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    from tests.kept_drawings import DRAWINGS, drawing_once_in_flows

    with (
        drawing_once_in_flows(kept_in_session / DRAWINGS),
        parsing_once_in_flows(),
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def shipped_run(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The pipeline run once on the shipped data. Copy the work folder to change anything in it."""
    from flows.pipeline import retail_pipeline

    work_dir = tmp_path_factory.mktemp("shipped")
    return Finished(retail_pipeline(source=str(DATASETS), work_dir=str(work_dir)), work_dir)


@pytest.fixture(scope="session")
def tiny_run(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The pipeline run once on the tiny shop. Copy the work folder to change anything in it."""
    from flows.pipeline import retail_pipeline
    from tests.tiny_shop import AS_OF, write_shop

    source, work_dir = write_shop(tmp_path_factory.mktemp("tiny_source")), tmp_path_factory.mktemp("tiny")
    return Finished(retail_pipeline(source=str(source), work_dir=str(work_dir), as_of=AS_OF), work_dir)


@pytest.fixture
def without_node_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of the test have no task run for each node of dbt, which is half of what they cost and its server's."""
    monkeypatch.setenv("RETAIL_DBT_NODE_RUNS", "false")


@contextmanager
def reach_redshift(
    request: pytest.FixtureRequest, environment: pytest.MonkeyPatch, standin: str = "standin"
) -> Iterator[Redshift]:
    """An empty Redshift that the environment names: the stand-in, or schemas of our own on a real workgroup.

    `standin` is the fixture that gives it; those of a wider scope take `shared_standin` and find what others left.
    """
    from tests.warehouse.redshift import Redshift, schemas_of_our_own, standin_environment

    if REAL_REDSHIFT:
        with schemas_of_our_own(REAL_REDSHIFT, environment) as redshift:
            yield redshift
        return
    found = request.getfixturevalue(standin)
    exported = standin_environment(found)
    for name, value in exported.items():
        environment.setenv(name, value)
    yield Redshift(exported, standin=found)


@pytest.fixture
def redshift(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Redshift]:
    """An empty Redshift for one test."""
    monkeypatch.setenv("RETAIL_WORK_DIR", str(tmp_path / "work"))
    with reach_redshift(request, monkeypatch) as redshift:
        yield redshift
