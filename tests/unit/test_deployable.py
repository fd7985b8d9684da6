"""Prefect imports a flow with its folder first on the path: nothing there may stand in for Python's own modules."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import PROJECT


def test_no_module_beside_the_flows_has_the_name_of_one_of_python() -> None:
    beside = {path.stem for path in (PROJECT / "flows").glob("*.py")}
    beside |= {path.parent.name for path in (PROJECT / "flows").glob("*/__init__.py")}
    assert not (beside - {"__init__"}) & set(sys.stdlib_module_names)


def test_python_finds_its_own_profile_where_the_flows_lie() -> None:
    asked = "import sys; sys.path.insert(0, 'flows'); import cProfile, profile; print(profile.run.__name__)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "run\n"
