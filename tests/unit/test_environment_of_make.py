"""The environment that `make` sets up: moved with its folder, and made good where an older make left it."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PROJECT

WHEEL = "hello-1.0-py3-none-any.whl"
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "entry_points.txt": "[console_scripts]\nhello = hello:main\n",
}


def write_wheel(folder: Path) -> Path:
    """A package with one program, which says where its Python is."""
    files = {"hello.py": "import sys\ndef main():\n    print(sys.prefix)\n"}
    files |= {f"hello-1.0.dist-info/{name}": text for name, text in METADATA.items()}
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, text in (files | {"hello-1.0.dist-info/RECORD": record}).items():
            wheel.writestr(name, text)
    return folder / WHEEL


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's Makefile that needs one small package, and an environment in which uv is found."""
    project = tmp_path / "project"
    (project / "infra").mkdir(parents=True)
    (project / "dbt" / "plugins").mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", project)
    shutil.copy(PROJECT / "infra" / "dbt_plugins.py", project / "infra")
    (project / "ours.py").write_text("", encoding="utf-8")
    (project / "dbt" / "plugins" / "dbt_ours.py").write_text("", encoding="utf-8")
    wheel = write_wheel(tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (project / "requirements.lock").write_text(f"hello @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    site_packages = next(project.glob(".venv/lib/python*/site-packages"))
    (site_packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return project


def make(project: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", *arguments, f"PYTHON={sys.executable}"],
        cwd=project,
        env=environment | {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def look(project: Path, *command: str) -> str:
    """What a program of the environment says, called elsewhere."""
    program = project / ".venv" / "bin" / command[0]
    return subprocess.run(
        [program, *command[1:]], cwd=project.parent, capture_output=True, text=True, check=True
    ).stdout.strip()


def is_settled(project: Path) -> bool:
    return "pip install" not in make(project, "-n", "run")


def test_environment_that_is_moved_with_its_folder_works_as_it_is(project: Path) -> None:
    make(project, ".venv/.installed")
    assert is_settled(project)
    moved = project.rename(project.parent / "Données d'été #1")
    assert is_settled(moved)
    assert look(moved, "hello") == str(moved / ".venv")
    assert look(moved, "python", "-c", "import ours, dbt_ours; print(ours.__file__)") == str(moved / "ours.py")


def test_environment_whose_programs_died_of_a_move_is_made_good(project: Path) -> None:
    """As every version before this one left it: its programs name the Python of the place they were made in."""
    make(project, ".venv/.installed")
    configuration, program = project / ".venv" / "pyvenv.cfg", project / ".venv" / "bin" / "hello"
    kept = [line for line in configuration.read_text(encoding="utf-8").splitlines() if "relocatable" not in line]
    configuration.write_text("\n".join(kept) + "\n", encoding="utf-8")
    program.write_text("#!/nowhere/.venv/bin/python\n", encoding="utf-8")
    assert not is_settled(project)
    make(project, ".venv/.installed")
    assert look(project, "hello") == str(project / ".venv")
    assert is_settled(project)


def test_environment_whose_python_is_gone_is_not_taken_for_settled(project: Path) -> None:
    make(project, ".venv/.installed")
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert not is_settled(project)


def test_what_python_compiles_is_kept_whatever_the_shell_says(project: Path) -> None:
    make(project, "import", "--eval", f"import: ; @{sys.executable} -c 'import ours'")
    assert list((project / "__pycache__").glob("ours.*.pyc"))
