"""The newcomer's path, command by command as the docs have it, in a checkout at an odd place on a hostile machine.

One run serves all: what README.md says first, in a folder that is hard to name, with an environment that is hostile.
Its numbers and charts must be those of this session's own run, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.marts.hashes import MADE_BY_PYTHON
from tests.checkouts import copy_checkout, plain_environment, read_commands, run_command
from tests.conftest import PROJECT, Finished

ODD = 'Données d\'été #1 100% "x" $y ' + "and so on " * 17  # its work folder has more than 200 characters
README = (PROJECT / "README.md").read_text(encoding="utf-8")
RUN = "make run"
OF_PLACEHOLDERS = ".venv/bin/python -m flows.pipeline --source my/files --work-dir my/work --as-of 2026-03-31"
NOT_RUN = {
    "make test": "runs this test",
    "make ui": "stays, and is for a browser: tests/unit/test_ui.py",
    "export PREFECT_API_URL=http://127.0.0.1:4200/api": "is for the server of make ui: tests/flows/test_deployments.py",
    ".venv/bin/python -m prefect deployment schedule create retail-pipeline/nightly-pipeline-local": "the same",
    ".venv/bin/python infra/deploy.py": "needs a server: tests/flows/test_deployments.py",
    ".venv/bin/python -m prefect worker start --pool retail-local": "stays: tests/flows/test_deployments.py",
    "export RETAIL_": "names somebody's Redshift: tests/flows/test_redshift_pipeline.py has its own",
    ".venv/bin/python -m flows.pipeline\n": "follows the exports of somebody's Redshift",
}


pytestmark = pytest.mark.timeout(1500)  # the first test waits for a whole run


@dataclass(frozen=True)
class Checkout:
    """A copy of the project in which README.md's first command has run."""

    folder: Path
    said: subprocess.CompletedProcess[str]
    before: set[Path]

    @property
    def work_dir(self) -> Path:
        return self.folder / "data" / "work"

    @property
    def report(self) -> Path:
        return self.work_dir / "reports" / "latest"


def hostile_environment(folder: Path) -> dict[str, str]:
    """What foreign settings, a foreign desk and foreign modules put into a shell."""
    (folder / "matplotlibrc").write_text("figure.dpi: 33\nfont.size: 30\naxes.facecolor: red\n", encoding="utf-8")
    for name in ("reports", "infra"):
        (folder / f"{name}.py").write_text("raise SystemExit('a namesake')\n", encoding="utf-8")
    closed = "http://127.0.0.1:9"
    return plain_environment() | {
        "DBT_EXCLUDE_RESOURCE_TYPES": "test",
        "DBT_EMPTY": "1",
        "DBT_PROFILES_DIR": "/nonexistent",
        "DBT_TARGET_PATH": str(folder / "theirs"),
        "MPLCONFIGDIR": str(folder),
        "MPLBACKEND": "svg",
        "HTTP_PROXY": closed,
        "https_proxy": closed,
        "HOME": "/nonexistent",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONWARNINGS": "error",
        "PYTHONPATH": str(folder),
        "PYTHONSAFEPATH": "1",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "s3-bucket/theirs",
        "PREFECT_FLOWS_DEFAULT_RETRIES": "3",
        "PREFECT_TASKS_DEFAULT_RETRIES": "3",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////nonexistent/prefect.db",
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = copy_checkout(tmp_path_factory.mktemp("newcomer") / ODD.strip())
    before = list_files(folder)
    said = run_command(f"umask 077; {RUN}", folder, hostile_environment(tmp_path_factory.mktemp("hostile")))
    assert said.returncode == 0, said.stdout[-4000:] + said.stderr[-4000:]
    return Checkout(folder, said, before)


def list_files(checkout: Path) -> set[Path]:
    """What is there but for the work folder, the environment, and what Python keeps of the code that it compiled."""
    found = {path.relative_to(checkout) for path in checkout.rglob("*") if MADE_BY_PYTHON not in path.parts}
    return {path for path in found if path.parts[0] != ".venv" and path.parts[:2] != ("data", "work")}


def digest(folder: Path, *patterns: str) -> dict[str, str]:
    found = [path for pattern in patterns for path in folder.glob(pattern)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_every_command_of_the_readme_is_run_here_or_says_why_not() -> None:
    blocks = [block.replace("\\\n", " ") for block in read_commands("README.md")]
    lines = [f"{line}\n" for block in blocks for line in block.splitlines() if line]
    run = {f"{command}\n" for command in (RUN, OF_PLACEHOLDERS)}
    assert run <= set(lines)
    unaccounted = [line for line in lines if line not in run and not line.startswith(tuple(NOT_RUN))]
    assert unaccounted == []
    assert all(any(line.startswith(known) for line in lines) for known in NOT_RUN)


def test_first_command_ends_with_what_the_readme_shows(checkout: Checkout) -> None:
    shown = README.split("```text\nRun ")[1].split("```")[0].splitlines()[1:4]
    assert len(shown) == 3
    for line in shown:
        label, told = line.split(maxsplit=1)
        assert re.search(rf"^  {label} +{re.escape(told)}", checkout.said.stdout, re.MULTILINE), line
    assert "Traceback" not in checkout.said.stdout + checkout.said.stderr


def test_first_command_leaves_what_the_readme_lists(checkout: Checkout) -> None:
    table = README.split("What a run leaves in the work folder")[1].split("\n## ")[0]
    named = [
        name for cell in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for name in re.findall("`(.+?)`", cell)
    ]
    assert len(named) >= 4
    for name in set(named) - {"quarantine/"}:  # the shipped data have no bad record
        assert list(checkout.work_dir.glob(name.replace("<run id>", "*").rstrip("/"))), name
    assert (checkout.report / "index.html").is_file()
    assert not checkout.report.readlink().is_absolute(), "the work folder can be moved"


def test_numbers_and_charts_are_the_same_on_a_hostile_machine(checkout: Checkout, shipped_run: Finished) -> None:
    assert len(str(checkout.work_dir)) > 200
    expected = digest(shipped_run.report, "*.parquet", "*.png", "*.svg")
    assert len(expected) > 50
    assert digest(checkout.report, "*.parquet", "*.png", "*.svg") == expected


def test_run_writes_into_its_work_folder_alone_and_with_the_rights_of_the_shell(checkout: Checkout) -> None:
    assert (checkout.work_dir / "warehouse.duckdb").stat().st_mode & 0o077 == 0
    assert list_files(checkout.folder) == checkout.before


def test_command_for_files_of_ones_own_names_what_it_did_not_find(checkout: Checkout) -> None:
    done = run_command(OF_PLACEHOLDERS, checkout.folder, plain_environment())
    assert done.returncode == 2
    assert "my/files: the source folder cannot be read" in done.stderr


def test_foreign_shop_of_the_docs_comes_from_its_files_to_a_page_as_pasted(checkout: Checkout, tmp_path: Path) -> None:
    draft, *runs = read_commands("docs/your-own-data.md")
    run_as_pasted(draft, checkout, tmp_path)
    done = [run_as_pasted(command, checkout, tmp_path) for command in runs][-1]
    assert " unchanged)" in done.stdout, "the files were loaded by the command before"
    assert "0 quarantined" in done.stdout
    page = checkout.work_dir / "boutique" / "reports" / "latest" / "index.html"
    assert "€" in page.read_text(encoding="utf-8")


def run_as_pasted(command: str, checkout: Checkout, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """A command of the docs, but that each test has a /tmp of its own."""
    pasted = command.replace("/tmp/", f"{tmp_path}/")
    done = run_command(pasted, checkout.folder, plain_environment())
    assert done.returncode == 0, f"{pasted}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done
