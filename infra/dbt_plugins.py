"""Let every Python of this environment find the project, and every dbt its plugins: lines in a .pth file.

A .pth file adds folders for each process that the environment's Python starts (Python: "site"). With the project there,
`python -m flows.…` works in any folder, also where Python keeps the current one out (`-I`, PYTHONSAFEPATH). dbt imports
what is named `dbt_…` on Python's path; the command `dbt` has neither the project nor its folder dbt/plugins there.

Both stand even before a PYTHONPATH and what is installed: packages `flows`, `reports` or `demand` of another project
would be taken for ours, by dbt and by a worker too, before any line of ours runs. Folders alone a .pth file can only
put at the end, so it executes a line for each, which Python does where one begins with `import` (Python: "site"); as
setuptools does for namespaces, such a line learns from its caller where its file is.

The folders are named as seen from the file: they stay right where a project is moved with its environment in it.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = (PROJECT / "dbt" / "plugins", PROJECT)  # the last one first on the path
NAME = "retail_dbt_plugins.pth"
_PUT_FIRST = (
    "import os, sys; sys.path.insert("
    "0, os.path.normpath(os.path.join(sys._getframe(1).f_locals['sitedir'], {folder!r})))"
)


def write_path_file(site_packages: Path) -> Path:
    """Write the file, which may be there with the folder of an earlier place of this project."""
    path = site_packages / NAME
    lines = [_PUT_FIRST.format(folder=os.path.relpath(folder, site_packages)) for folder in FOLDERS]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


if __name__ == "__main__":
    write_path_file(Path(sysconfig.get_path("purelib")))
