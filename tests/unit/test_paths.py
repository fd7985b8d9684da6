"""A folder that cannot be is wrong configuration, with its cure, wherever it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.run.needs import check_needs
from flows.run.paths import find_path
from flows.run.settings import load_settings


def name_impossible(folder: Path) -> dict[str, str]:
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    return {
        "links": str(folder / "one"),
        "below links": str(folder / "one" / "below"),
        "user": "~nosuchuser/shop",
        "long": str(folder / ("x" * 300)),
        "NUL": f"{folder}/a\x00b",
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("links", "links lead in a circle; mend it or name another folder"),
        ("below links", "links lead in a circle"),
        ("user", "home folder in '~nosuchuser/shop' is not known .*write the path in full"),
        ("long", "name is too long"),
        ("NUL", "NUL byte; name another folder"),
    ],
)
def test_path_that_cannot_be_says_why_and_the_cure(tmp_path: Path, kind: str, told: str) -> None:
    path = name_impossible(tmp_path)[kind]
    with pytest.raises(ValueError, match=told):
        find_path(path)
    for name in ("work_dir", "dbt_project_dir", "profile"):
        with pytest.raises(ConfigError, match=told):
            load_settings(**{name: path})
    with pytest.raises(ConfigError, match=f"the source folder cannot be found: .*{told}.*--source"):
        check_needs(load_settings(source=path), reads_source=True)


def test_path_is_absolute_with_links_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_path("link/new") == find_path("~/real/new") == (tmp_path / "real" / "new").resolve()
