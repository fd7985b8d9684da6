"""Let every dbt of this environment find the project's plugins: a line in a .pth file of its site-packages.

dbt imports what is named `dbt_…` on Python's path. The command `dbt` has neither the project nor its folder dbt/plugins
there; a .pth file adds a folder for each process that the environment's Python starts (Python: "site").
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[1] / "dbt" / "plugins"
NAME = "retail_dbt_plugins.pth"


def write_path_file(site_packages: Path) -> Path:
    """Write the file, which may be there with the folder of an earlier place of this project."""
    path = site_packages / NAME
    path.write_text(f"{PLUGINS}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    write_path_file(Path(sysconfig.get_path("purelib")))
