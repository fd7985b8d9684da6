"""Let every Python of this environment find the project, and every dbt its plugins: lines in a .pth file.

A .pth file adds folders for each process that the environment's Python starts (Python: "site"). With the project there,
`python -m flows.…` works in any folder, also where Python keeps the current one out (`-I`, PYTHONSAFEPATH). dbt imports
what is named `dbt_…` on Python's path; the command `dbt` has neither the project nor its folder dbt/plugins there.

The folders are named as seen from the file: they stay right where a project is moved with its environment in it.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = (PROJECT / "dbt" / "plugins", PROJECT)
NAME = "retail_dbt_plugins.pth"


def write_path_file(site_packages: Path) -> Path:
    """Write the file, which may be there with the folder of an earlier place of this project."""
    path = site_packages / NAME
    lines = [f"{os.path.relpath(folder, site_packages)}\n" for folder in FOLDERS]
    path.write_text("".join(lines), encoding="utf-8")
    return path


if __name__ == "__main__":
    write_path_file(Path(sysconfig.get_path("purelib")))
