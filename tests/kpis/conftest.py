"""The KPI queries, compiled once by dbt."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.compare import compile_kpis
from flows.run.settings import load_settings
from tests.kpis.shop import Row, Shop


@pytest.fixture(scope="session")
def queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """KPI → its SQL for the embedded warehouse, as of the last order; COMPILED_KPIS names a folder that has them."""
    if "COMPILED_KPIS" in os.environ:
        return {path.stem: path.read_text(encoding="utf-8") for path in Path(os.environ["COMPILED_KPIS"]).glob("*.sql")}
    return compile_kpis(load_settings(target="local", work_dir=str(tmp_path_factory.mktemp("compiled"))))


@pytest.fixture
def open_shop(queries: dict[str, str]) -> Callable[..., Shop]:
    """Make a shop of rows: `open_shop(fact_orders=[order(…)])`."""

    def make(**rows: list[Row]) -> Shop:
        return Shop(queries, **rows)

    return make
