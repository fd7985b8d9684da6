"""The image: its Dockerfile, what is let in, its entry, and the lock that it is installed from."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.marks import MARK

ADMITTED = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
# Of AWS, of Prefect Cloud, of TLS, and passwords in addresses
SECRETS = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bpn[ub]_[A-Za-z0-9]{30}|-----BEGIN [A-Z ]*PRIVATE KEY|\w+://[\w.-]+:[^@\s/{$:]+@"
)
SOURCES = {"", ".py", ".sql", ".csv", ".yml", ".yaml", ".md", ".j2", ".js", ".po", ".lock"}
FORBIDDEN_WORDS = re.compile(r"password|secret|token|api_key|access_key", re.IGNORECASE)


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, continued lines joined."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines]


def of(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def copied() -> list[str]:
    """What is copied out of the project, not from another stage."""
    return [source for rest in of("COPY") if not rest.startswith("--from") for source in rest.split()[:-1]]


def pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Each package of a lock with its version and its hashes; for which machines it is may differ by who needs it."""
    text = (PROJECT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {line.partition("==")[0]: line.partition("==")[2].split() for line in text.splitlines() if line}
    return {name: (words[0], frozenset(word for word in words if "sha256" in word)) for name, words in found.items()}


def test_base_is_a_slim_python_of_one_version_that_the_project_supports() -> None:
    (version,) = of("ARG")
    found = re.fullmatch(r"PYTHON=(3\.\d+)\.\d+-slim-[a-z]+", version)
    assert found
    assert found[1] in {"3.11", "3.12", "3.13"}
    assert of("FROM") == ["python:${PYTHON} AS build", "python:${PYTHON}"]


def test_image_runs_as_somebody_without_rights_who_writes_to_the_volume_alone() -> None:
    (user,) = of("USER")
    assert int(user) >= 10_000  # a number, which Kubernetes can tell from root
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in {"RUN", "COPY"})
    assert of("VOLUME") == ["/state"]
    environment = dict(pair.split("=", 1) for rest in of("ENV") for pair in rest.split())
    assert environment["RETAIL_WORK_DIR"].startswith("/state/")
    assert environment["PREFECT_HOME"].startswith("/state/")
    assert any(f"--uid {user} --home-dir /state --create-home" in rest for rest in of("RUN"))


def test_image_holds_no_secret_and_downloads_only_what_is_locked() -> None:
    assert not any(FORBIDDEN_WORDS.search(rest) for kind in ("ENV", "ARG", "RUN", "COPY") for rest in of(kind))
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert not any(re.search(r"curl|wget|apt-get|https?:", rest) for rest in of("RUN"))
    assert not of("ADD")


def is_let_in(path: str) -> bool:
    """Whether .dockerignore lets a path in; the last pattern that fits decides (Docker: ".dockerignore files")."""
    inside = False
    for pattern in (line for line in ADMITTED if line and not line.startswith("#")):
        kept = pattern.removeprefix("!")
        parts = Path(path).parts
        fits = any(fnmatch("/".join(parts[: n + 1]), kept) for n in range(len(parts)))
        if fits or (kept.startswith("**/") and fnmatch(parts[-1], kept.removeprefix("**/"))):
            inside = pattern.startswith("!")
    return inside


def test_everything_that_is_copied_is_there_and_let_in() -> None:
    for source in copied():
        assert (PROJECT / source).exists(), source
        assert is_let_in(source), source


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", "data/work/warehouse.duckdb", "tests/conftest.py", ".env", "dbt/target/x"),
        *(
            "flows/.env",
            "dbt/.user.yml",
            "dbt/prod.env",
            "flows/.aws/credentials",
            "reports/tls.key",
            "dbt/a/b.pem",
        ),
    ],
)
def test_nothing_else_is_let_in(path: str) -> None:
    assert not is_let_in(path)


def test_files_of_the_image_are_sources_and_hold_no_secret() -> None:
    """Looked at as they lie here, after whatever ran: what a run leaves in the project would be copied too."""
    places = [PROJECT / source for source in copied()]
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    names = {path.relative_to(PROJECT).as_posix(): path for path in files if path.is_file()}
    inside = {name: path for name, path in names.items() if is_let_in(name)}
    assert len(inside) > 200
    assert {path.suffix for path in inside.values()} <= SOURCES
    for name, path in inside.items():
        said = path.read_text(encoding="utf-8", errors="replace")
        assert not SECRETS.search(said), name
        assert MARK not in said, name


def test_everything_that_the_flows_import_is_copied() -> None:
    assert {"flows", "reports", "dbt", "prefect.yaml"} <= set(copied())


def test_everything_that_is_imported_is_compiled_for_a_user_who_may_not_write() -> None:
    (install,) = (rest for rest in of("RUN") if "pip install" in rest)
    assert "--no-compile" not in install
    (compiled,) = re.findall(r"-m compileall -q ([^&]+)", " ".join(of("RUN")))
    folders = [PROJECT / name for name in compiled.split()]
    modules = [path for name in copied() for path in (PROJECT / name).rglob("*.py") if "models" not in path.parts]
    assert modules
    for module in modules:
        assert any(module.is_relative_to(folder) for folder in folders), module


def test_runtime_lock_has_the_very_pins_of_the_whole_lock_and_no_dev_tool() -> None:
    whole, runtime = pins("requirements.lock"), pins("requirements.runtime.lock")
    assert runtime.items() <= whole.items()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))

    def named(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=!~ ]", each, maxsplit=1)[0].lower() for each in requirements}

    assert named(project["project"]["dependencies"]) <= runtime.keys()
    shared = {"markdown-it-py", "pillow"}  # Prefect and matplotlib need them too
    assert named(project["dependency-groups"]["dev"]) & runtime.keys() <= shared
    assert 100 < len(runtime) < len(whole)
    assert "://" not in (PROJECT / "requirements.runtime.lock").read_text(encoding="utf-8")


def test_cfn_lint_is_pinned_as_the_lock_has_it() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (pin,) = [each for each in project["dependency-groups"]["dev"] if each.startswith("cfn-lint")]
    assert pin == f"cfn-lint=={pins('requirements.lock')['cfn-lint'][0]}"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose `python` prints what it was called with."""
    stub = tmp_path / "python"
    stub.write_text('#!/bin/sh\nprintf "%s|" "$@"\n', encoding="utf-8")
    stub.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def enter(path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["infra/entry", *arguments], cwd=PROJECT, env={"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["worker"], "-m|prefect|worker|start|--pool|retail-prod|--type|process|--with-healthcheck|"),
        (["worker", "retail-dev"], "-m|prefect|worker|start|--pool|retail-dev|--type|process|--with-healthcheck|"),
        (["pipeline"], "-m|flows.pipeline|"),
        (
            ["report", "--as-of", "2026-03-31", "--work-dir", "a b"],
            "-m|flows.report|--as-of|2026-03-31|--work-dir|a b|",
        ),
        (["health"], ""),  # process 1 of this machine is no worker
    ],
)
def test_entry_is_a_worker_or_one_run(path: str, arguments: list[str], called: str) -> None:
    done = enter(path, *arguments)
    assert (done.returncode, done.stdout) == (0, called)


@pytest.mark.parametrize("arguments", [[], ["sh"], ["provision", "down"]])
def test_entry_refuses_what_it_does_not_know(path: str, arguments: list[str]) -> None:
    done = enter(path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected worker [POOL], pipeline" in done.stderr


def test_entry_can_be_executed_and_gives_its_place_to_python() -> None:
    assert os.access(PROJECT / "infra" / "entry", os.X_OK)
    text = (PROJECT / "infra" / "entry").read_text(encoding="utf-8")
    assert len(re.findall(r"^\s+exec python ", text, re.MULTILINE)) == len(re.findall(r"\bpython -", text))
