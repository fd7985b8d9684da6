"""Which mutants a dbt project has, and which of its nodes each of them can touch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.mutants.mutations import Mutant, mutate_sql
from tests.mutants.properties import mutate_yaml

KPI_QUERIES = "analysis/"
MACRO = re.compile(r"\{%-?\s*(?:macro|test)\s+(\w+)")


@dataclass(frozen=True)
class Project:
    """A dbt project's folder and its manifest (target/manifest.json), read once."""

    folder: Path
    manifest_path: Path
    texts: dict[str, str] = field(default_factory=dict)

    def text(self, file: str) -> str:
        if file not in self.texts:
            self.texts[file] = (self.folder / file).read_text(encoding="utf-8")
        return self.texts[file]

    def list_mutants(self, only: str = "*") -> list[Mutant]:
        """Mutants of models, KPI queries, the macros of both and YAML, by place; `only` is a glob of paths."""
        mutants = [mutant for file in self._files() if fnmatch(file, only) for mutant in self._mutate(file)]
        return [mutant for mutant in mutants if self.select(mutant) or self.concerns_kpis(mutant)]

    def select(self, mutant: Mutant) -> list[str]:
        """What to build, in dbt's words: the mutated models and what lies downstream; empty if there are none."""
        if mutant.file.startswith(KPI_QUERIES):
            return []
        if mutant.file.endswith(".yml"):
            return ["*"] if mutant.file == "dbt_project.yml" else [f"path:{Path(mutant.file).parent}"]
        users = self._models_by_file.get(mutant.file) or self._users_of_macro.get(self._macro_of(mutant), set())
        return [f"{model}+" for model in sorted(users - self._kpi_names)]

    def concerns_kpis(self, mutant: Mutant) -> bool:
        """Whether a KPI query is mutated, or a macro that one of them uses."""
        is_query = mutant.file.startswith(KPI_QUERIES)
        return is_query or bool(self._users_of_macro.get(self._macro_of(mutant), set()) & self._kpi_names)

    def _files(self) -> list[str]:
        found = [
            path
            for pattern in (
                "analysis/*.sql",
                "models/**/*.sql",
                "models/**/*.yml",
                "macros/**/*.sql",
                "dbt_project.yml",
            )
            for path in self.folder.glob(pattern)
        ]
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def _mutate(self, file: str) -> list[Mutant]:
        return (mutate_yaml if file.endswith(".yml") else mutate_sql)(file, self.text(file))

    def _macro_of(self, mutant: Mutant) -> str:
        begun = [match[1] for match in MACRO.finditer(self.text(mutant.file), 0, mutant.start)]
        return begun[-1] if begun else ""

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        return manifest

    @cached_property
    def _models_by_file(self) -> dict[str, set[str]]:
        return {node["original_file_path"]: {node["name"]} for node in self._nodes("model")}

    @cached_property
    def _kpi_names(self) -> set[str]:
        return {node["name"] for node in self._nodes("analysis")}

    @cached_property
    def _users_of_macro(self) -> dict[str, set[str]]:
        """Name of a macro of the project → the models and KPI queries that use it, directly or through other macros."""
        using: dict[str, set[str]] = {}
        for node in (*self._nodes("model"), *self._nodes("analysis")):
            for macro in self._closure(node["depends_on"]["macros"]):
                using.setdefault(self._manifest["macros"][macro]["name"], set()).add(node["name"])
        return using

    def _nodes(self, kind: str) -> Iterator[dict[str, Any]]:
        return (node for node in self._manifest["nodes"].values() if node["resource_type"] == kind)

    def _closure(self, macros: list[str]) -> set[str]:
        reached, waiting = set(), list(macros)
        while waiting:
            macro = waiting.pop()
            if macro not in reached and macro in self._manifest["macros"]:
                reached.add(macro)
                waiting += self._manifest["macros"][macro]["depends_on"]["macros"]
        return reached
