"""The Python models of dbt as modules, loaded by their paths: dbt/ is no package, which would hide dbt itself."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[1] / "dbt" / "models" / "data_mart"


def load_python_model(name: str) -> ModuleType:
    """The module of dbt/models/data_mart/`name`.py."""
    spec = spec_from_file_location(name, FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{FOLDER / name}.py cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
