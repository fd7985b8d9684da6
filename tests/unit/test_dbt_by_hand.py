"""dbt started by hand, in the root and in dbt/, finds its profile, its plugins and the warehouse of `make run`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("place", "folder", "options"),
    [
        ("project", ".", ["--project-dir", "dbt"]),
        ("project", ".", ["--project-dir", "dbt", "--profiles-dir", "dbt"]),
        ("Données d'été #1 100%", "dbt", []),
    ],
    ids=["root", "root-with-profiles-dir", "dbt-in-an-odd-place"],
)
def test_dbt_by_hand_finds_its_profile_and_the_one_warehouse(
    tmp_path: Path, place: str, folder: str, options: list[str]
) -> None:
    root = tmp_path / place
    (root / "dbt" / "models").mkdir(parents=True)
    (root / "data" / "work").mkdir(parents=True)
    (root / "dbt" / "models" / "one.sql").write_text("select 1 as one")
    (root / "dbt" / "models" / "two.py").write_text(
        "from beside import TWO\n\ndef model(dbt, session):\n    return session.sql(f'select {TWO} as two')\n"
    )
    (root / "dbt" / "plugins").mkdir()
    (root / "dbt" / "plugins" / "beside.py").write_text("TWO = 2\n")
    (root / "dbt" / "dbt_project.yml").write_text(
        "name: retail\nprofile: retail\nflags: {send_anonymous_usage_stats: false}\n"
    )
    shutil.copy(PROJECT / "dbt" / "profiles.yml", root / "dbt" / "profiles.yml")
    shutil.copy(PROJECT / "profiles.yml", root / "profiles.yml", follow_symlinks=False)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RETAIL_", "DBT_"))}

    dbt = str(Path(sys.executable).parent / "dbt")
    done = subprocess.run(
        [dbt, "run", "--quiet", *options],
        cwd=root / folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert [path.relative_to(root).as_posix() for path in tmp_path.rglob("*.duckdb")] == ["data/work/warehouse.duckdb"]


def test_seeds_are_loaded_from_a_project_in_a_folder_with_an_apostrophe(tmp_path: Path) -> None:
    """As dbt-duckdb puts the path into COPY as it is."""
    project = tmp_path / "Données d'été #1 100% $x"
    (project / "seeds").mkdir(parents=True)
    shutil.copytree(PROJECT / "dbt" / "macros", project / "macros")
    shutil.copy(PROJECT / "dbt" / "profiles.yml", project / "profiles.yml")
    (project / "seeds" / "classes.csv").write_text("name,least\nGold,1000\nd'or,\n", encoding="utf-8")
    (project / "dbt_project.yml").write_text(
        "name: retail\nprofile: retail\nflags: {send_anonymous_usage_stats: false}\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RETAIL_", "DBT_"))}
    environment["RETAIL_DUCKDB_PATH"] = str(tmp_path / "warehouse.duckdb")
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "seed", "--quiet"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        found = connection.execute("select name, least from data_mart.classes order by all").fetchall()
    assert found == [("Gold", 1000), ("d'or", None)]
