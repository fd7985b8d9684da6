"""What the package relies on in dbt and its Redshift adapter: a new version that moves it is told here, by name."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from dbt.adapters.base.impl import BaseAdapter, PythonJobHelper
from dbt.adapters.redshift.connections import RedshiftConnectionManager
from dbt.adapters.redshift.impl import RedshiftAdapter
from dbt.context.providers import ProviderContext
from dbt.plugins.manager import PluginManager, dbtPlugin
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.exceptions import NotImplementedError as NotImplementedInDbt
from redshift_connector import Cursor

import dbt_redshift_python
from dbt_redshift_python import adapter
from dbt_redshift_python.job import PolarsJob
from tests.conftest import PROJECT

RELIED_ON = "dbt_redshift_python relies on it; read its README, “What it changes”, and try its tests on the new version"


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    """Whatever a test does, the adapter is as other tests expect it."""
    adapter.enable()
    yield
    adapter.disable()
    adapter.enable()


def test_versions_are_those_that_were_tried() -> None:
    tried = {"dbt-redshift": "1.11.1", "redshift-connector": "2.1.17"}
    assert {name: version(name) for name in tried} == tried, RELIED_ON
    readme = (PROJECT / "dbt" / "plugins" / "dbt_redshift_python" / "README.md").read_text(encoding="utf-8")
    for name, number in tried.items():
        assert f"{name} {number}" in readme


def test_adapter_is_asked_for_python_as_before() -> None:
    source = inspect.getsource(BaseAdapter)
    for part in (
        "job_helper = self.python_submission_helpers[submission_method](",
        "parsed_model, self.connections.profile.credentials",
        "submission_result = job_helper.submit(compiled_code)",
        "return self.generate_python_submission_response(submission_result)",
    ):
        assert part in source, RELIED_ON
    assert list(inspect.signature(PythonJobHelper.__init__).parameters) == ["self", "parsed_model", "credential"]
    assert "context_macro_stack.depth == 2" in inspect.getsource(ProviderContext.submit_python_job), RELIED_ON


def test_connection_is_used_as_the_adapter_uses_it() -> None:
    for name in ("begin", "exception_handler", "get_thread_connection"):
        assert hasattr(RedshiftConnectionManager, name), RELIED_ON
    assert "row_desc" in inspect.getsource(Cursor), RELIED_ON
    assert "type_modifier" in inspect.getsource(Cursor), RELIED_ON


def test_plugins_are_found_by_their_name_and_begin_at_each_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "dbt_redshift_python" in {module.name for module in pkgutil.iter_modules()}
    assert "dbt_redshift_python".startswith(PluginManager.PLUGIN_MODULE_PREFIX), RELIED_ON
    assert issubclass(dbt_redshift_python.RedshiftPythonModels, dbtPlugin)
    adapter.disable()
    manager = PluginManager.from_modules("any")
    assert manager is not None
    assert adapter.is_ours("python_submission_helpers")


def test_adapter_lacks_python_by_itself_and_is_given_it() -> None:
    adapter.disable()
    bare = object.__new__(RedshiftAdapter)
    for name in ("python_submission_helpers", "default_python_submission_method"):
        with pytest.raises(NotImplementedInDbt):
            getattr(bare, name)
    adapter.enable()
    assert bare.default_python_submission_method == "polars"
    assert bare.python_submission_helpers["polars"].func is PolarsJob  # type: ignore[attr-defined]
    assert bare.generate_python_submission_response("said") == "said"


def test_switch_takes_back_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDSHIFT_PYTHON_OFF", "1")
    dbt_redshift_python.RedshiftPythonModels("any")
    assert not any(adapter.is_ours(name) for name in adapter.GIVEN)


def test_adapter_with_python_of_its_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter.disable()
    own: Any = property(lambda _: {"serverless": object})
    monkeypatch.setattr(RedshiftAdapter, "python_submission_helpers", own)
    with pytest.raises(DbtRuntimeError, match=r"has its own python_submission_helpers\. Set REDSHIFT_PYTHON_OFF=1"):
        adapter.enable()
    assert vars(RedshiftAdapter)["python_submission_helpers"] is own
    assert not adapter.is_ours("default_python_submission_method")


def test_duckdb_alone_never_loads_the_redshift_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter.disable()
    monkeypatch.delitem(dbt_redshift_python.sys.modules, "dbt.adapters.redshift.impl")
    dbt_redshift_python.RedshiftPythonModels("any")
    assert "dbt.adapters.redshift.impl" not in dbt_redshift_python.sys.modules
    assert not adapter.is_ours("python_submission_helpers")
