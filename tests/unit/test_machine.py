"""How much memory a run may have, by the files of the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.marts.results import NodeResult, describe_failure
from flows.run import machine
from flows.run.machine import memory_bytes
from flows.run.settings import load_settings
from flows.run.target import open_warehouse

GIB = 1 << 30


@pytest.fixture(autouse=True)
def machine_of_16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_machine_bytes", lambda: 16 * GIB)


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/", {}, 16 * GIB),
        ("0::/", {"memory.max": "max\n"}, 16 * GIB),
        ("0::/", {"memory.max": f"{2 * GIB}\n"}, 2 * GIB),
        ("0::/a/b", {"a/b/memory.max": f"{3 * GIB}\n"}, 3 * GIB),
        ("0::/a/b", {"a/b/memory.max": "max\n", "a/memory.max": f"{4 * GIB}\n"}, 4 * GIB),
        ("0::/a/b", {"a/b/memory.max": f"{5 * GIB}\n", "a/memory.max": f"{4 * GIB}\n"}, 4 * GIB),
        ("0::/../outside", {"memory.max": f"{GIB}\n"}, GIB),
        ("0::/elsewhere", {"memory.max": f"{GIB}\n"}, GIB),
        ("9:memory:/a\n1:cpu:/b", {"memory/a/memory.limit_in_bytes": f"{6 * GIB}"}, 6 * GIB),
        ("9:cpu,memory:/a", {"memory/memory.limit_in_bytes": f"{6 * GIB}"}, 6 * GIB),
        ("9:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, 16 * GIB),
        ("9:cpu:/a", {"memory/a/memory.limit_in_bytes": f"{6 * GIB}"}, 16 * GIB),
    ],
)
def test_memory_is_that_of_the_machine_or_the_least_of_its_groups(
    tmp_path: Path, groups: str, limits: dict[str, str], expected: int
) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(f"{groups}\n")
    for name, text in limits.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_bytes(tmp_path / "proc", tmp_path / "cgroup") == expected


def test_memory_where_there_are_no_groups_is_that_of_the_machine(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path, tmp_path) == 16 * GIB


@pytest.mark.parametrize(("gib", "share"), [(16, 8192), (4, 2048), (2.5, 1280), (2, 768), (1.5, 256), (1, 256)])
def test_duckdb_has_half_of_the_memory_or_what_leaves_enough_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, gib: float, share: int
) -> None:
    monkeypatch.setattr("flows.run.settings.memory_bytes", lambda: int(gib * GIB))
    assert load_settings().dbt_environment()["RETAIL_DUCKDB_MEMORY_MB"] == str(share)


def test_duckdb_has_the_memory_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.run.settings.memory_bytes", lambda: 4 * GIB)
    monkeypatch.setenv("RETAIL_DUCKDB_MEMORY_MB", "700")
    assert load_settings().dbt_environment()["RETAIL_DUCKDB_MEMORY_MB"] == "700"


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("Runtime Error Out of Memory Error: failed to allocate data of size 16.0 MiB", "RETAIL_DUCKDB_MEMORY_MB"),
        ("Out of Memory Error: failed to offload data block. This limit was set by 'max_temp_directory_size'", "disk"),
        ('IO Error: Could not write file "x": No space left on device', "disk"),
    ],
)
def test_a_build_that_the_machine_is_too_small_for_names_the_cure(message: str, cure: str) -> None:
    failed = [NodeResult("model.retail.a", "skipped", "", 1), NodeResult("model.retail.b", "error", message, 1)]
    assert cure in describe_failure(failed).splitlines()[-1]


def test_a_build_that_fails_otherwise_names_no_memory() -> None:
    assert "memory" not in describe_failure([NodeResult("model.retail.b", "error", "Binder Error", 1)])


def test_the_warehouse_and_dbt_are_told_the_same_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_DUCKDB_MEMORY_MB", "321")
    settings = load_settings(work_dir=str(tmp_path), target="local")
    warehouse = open_warehouse(settings)
    warehouse.prepare([])
    asked = "select current_setting('memory_limit')"
    with warehouse.engine().connect() as connection:
        assert connection.exec_driver_sql(asked).scalar() == "321.0 MiB"
    assert settings.dbt_environment()["RETAIL_DUCKDB_MEMORY_MB"] == "321"  # what macros/memory.sql goes by
