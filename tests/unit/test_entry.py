"""How the commands begin: called from anywhere, with any Python, and ended before they are at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from flows.run.entry import is_command
from infra.dbt_plugins import write_path_file
from tests.conftest import PROJECT
from tests.tiny_shop import write_shop
from tests.unit.test_ambient import clean_environment

WRONG = ["--source", "/nowhere/at/all"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment such as `make` sets up: with the packages, and the project by its path file."""
    return make_environment(tmp_path_factory.mktemp("environment") / ".venv")


def make_environment(environment: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    site_packages = next(environment.glob("lib/python*/site-packages"))
    (site_packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    write_path_file(site_packages)
    return environment / "bin" / "python"


def call(python: Path, folder: Path, *arguments: str, **shell: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=clean_environment(**shell),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "shell"),
    [
        (["-m", "flows.pipeline"], {}),
        (["-I", "-m", "flows.ingest"], {}),
        (["-OO", "-m", "flows.pipeline"], {"PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error"}),
        ([str(PROJECT / "flows" / "pipeline.py")], {}),
    ],
    ids=["usual", "isolated", "optimised", "script"],
)
def test_command_is_found_and_answers_in_any_folder(
    python: Path, tmp_path: Path, arguments: list[str], shell: dict[str, str]
) -> None:
    done = call(python, tmp_path, *arguments, *WRONG, **shell)
    assert done.returncode == 2, done.stderr
    assert "the source folder cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_modules_of_somebody_else_are_not_taken_for_ours(python: Path, tmp_path: Path) -> None:
    """Neither where the command is called, nor, if they are named like the project's own, in a shell's PYTHONPATH."""
    for folder, names in {"here": ("polars", "prefect", "reports"), "path": ("reports", "infra")}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.py").write_text("raise SystemExit('a namesake')\n", encoding="utf-8")
    done = call(python, tmp_path / "here", "-m", "flows.ingest", *WRONG, PYTHONPATH=str(tmp_path / "path"))
    assert "the source folder cannot be read" in done.stderr, done.stderr


@pytest.mark.parametrize("options", [[], ["-P"]], ids=["usual", "safe"])
@pytest.mark.parametrize("place", ["project", "elsewhere"])
def test_packages_of_another_project_in_the_shells_pythonpath_are_not_taken_for_ours(
    python: Path, tmp_path: Path, place: str, options: list[str]
) -> None:
    """Python looks there before any line of ours runs, but for the path file of the environment."""
    for name in ("flows", "reports", "infra", "tests"):
        (tmp_path / "theirs" / name).mkdir(parents=True)
        (tmp_path / "theirs" / name / "__init__.py").write_text("raise SystemExit('a namesake')\n", encoding="utf-8")
    folder = PROJECT if place == "project" else tmp_path
    done = call(python, folder, *options, "-m", "flows.ingest", *WRONG, PYTHONPATH=str(tmp_path / "theirs"))
    assert "the source folder cannot be read" in done.stderr, done.stderr


@pytest.mark.parametrize("way", ["installed", "path file"])
def test_packages_of_another_project_in_the_environment_are_not_taken_for_ours(tmp_path: Path, way: str) -> None:
    """Nor by dbt, which is no command of ours and looks for `dbt_…` and the models' plugins on Python's path."""
    names = ("flows", "reports", "infra", "tests", "demand", "dbt_redshift_python")
    python = make_environment(tmp_path / ".venv")
    site_packages = next((tmp_path / ".venv").glob("lib/python*/site-packages"))
    theirs = site_packages if way == "installed" else tmp_path / "theirs"
    for name in names:
        (theirs / name).mkdir(parents=True)
        (theirs / name / "__init__.py").write_text("raise SystemExit('a namesake')\n", encoding="utf-8")
    (site_packages / "another_project.pth").write_text(f"{theirs}\n", encoding="utf-8")
    find = f"import importlib.util as i; print(*(i.find_spec(name).origin for name in {names}), sep='\\n')"
    for options in ([], ["-I"]):
        found = call(python, tmp_path, *options, "-c", find).stdout.splitlines()
        assert len(found) == len(names)
        assert all(Path(origin).is_relative_to(PROJECT) for origin in found), found
    done = call(python, tmp_path, "-m", "flows.ingest", *WRONG)
    assert "the source folder cannot be read" in done.stderr, done.stderr


def test_worker_of_the_environment_loads_our_flows_whatever_the_shells_pythonpath_has(
    python: Path, tmp_path: Path
) -> None:
    """A worker's Python is given no module of ours to begin with: it imports the flow's file by its entrypoint."""
    for name in ("flows", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a namesake')\n", encoding="utf-8")
    done = call(python, PROJECT, "-P", "-c", "import flows, reports; print(flows.__file__)", PYTHONPATH=str(tmp_path))
    assert done.stdout.strip() == str(PROJECT / "flows" / "__init__.py"), done.stderr


def test_python_without_the_packages_is_told_with_the_cure() -> None:
    done = call(Path(sys.executable), PROJECT, "-S", "-m", "flows.pipeline")
    assert done.returncode == 2
    assert "has not the packages that the pipeline needs" in done.stderr
    assert "make run" in done.stderr
    assert f"{PROJECT}/.venv/bin/python -m flows.pipeline" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("module", "signum", "name"),
    [("pydantic_settings", signal.SIGINT, "Ctrl-C"), ("prefect", signal.SIGINT, "Ctrl-C"), ("prefect", 15, "SIGTERM")],
)
def test_command_that_is_stopped_while_it_imports_ends_with_one_line(
    tmp_path: Path, module: str, signum: int, name: str
) -> None:
    reached = tmp_path / "reached"
    (tmp_path / f"{module}.py").write_text(
        f"import time, pathlib\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(100)\n", encoding="utf-8"
    )
    source = write_shop(tmp_path / "source")
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.pipeline", "--source", source, "--work-dir", tmp_path / "work"],
        cwd=PROJECT,
        env=clean_environment(PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not reached.exists():
            assert child.poll() is None, child.communicate()
            time.sleep(0.05)
        os.kill(child.pid, signum)
        _, said = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, said.strip().splitlines()) == (128 + signum, [f"Stopped by {name}."])


def test_ctrl_c_that_the_process_ignores_stays_ignored_while_it_imports(tmp_path: Path) -> None:
    """As `nohup`, and jobs in the background of a script, have it."""
    (tmp_path / "prefect.py").write_text(
        "import signal\nraise SystemExit(repr(signal.getsignal(signal.SIGINT)))\n", encoding="utf-8"
    )
    source = write_shop(tmp_path / "source")
    ignoring = f"trap '' INT; exec {sys.executable} -m flows.pipeline --source {source} --work-dir {tmp_path}/work"
    done = subprocess.run(
        ["sh", "-c", ignoring],
        cwd=PROJECT,
        env=clean_environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "SIG_IGN" in done.stderr


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (["-m"], True),
        ([str(PROJECT / "flows/ingest.py")], True),
        ([], False),
        ([""], False),
        (["-c"], False),
        ([str(PROJECT / "infra/ui.py")], False),
        (["/usr/bin/pytest"], False),
    ],
)
def test_only_a_module_of_the_flows_is_a_command(
    program: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, expected: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_command(program) is expected


def test_server_that_a_command_starts_finds_the_project_by_its_folder_again(tmp_path: Path) -> None:
    """With PYTHONSAFEPATH in its environment it would not."""
    script = "import sys; sys.argv = ['-m']; import flows, os; print(sys.path[0], 'PYTHONSAFEPATH' in os.environ)"
    done = call(Path(sys.executable), tmp_path, "-c", script, PYTHONSAFEPATH="1", PYTHONPATH=str(PROJECT))
    assert done.stdout.split() == [str(PROJECT), "False"], done.stderr
