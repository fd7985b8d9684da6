"""What a run does while its temporary server still starts: settings in, one step after the other out.

The wait is there anyway, and an import or a parse that only follows later costs the run its time twice. Where nothing
has changed, neither dbt nor what draws is needed; so whether there is something to build is guessed. A wrong guess
costs time alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from flows.run.settings import Settings

# In the order in which the main job needs them, in steps of about a second
MODULES = ("dbt.cli.main", "prefect_dbt", "flows.transform", "plotnine", "scipy.special", "flows.report")
PARSE = "dbt parse"


def prepare_ahead(program: str, settings: Settings) -> Iterator[str]:
    """Import what the main job will need after its ingest, a module a step, and parse the dbt project.

    Other jobs import all they need at once.
    """
    if program == "pipeline" and is_build_likely(settings):
        for name in MODULES:
            with suppress(ImportError):  # who needs it will say so, in the log of the run
                import_module(name)
            yield name
        if parse_project(settings):
            yield PARSE


def parse_project(settings: Settings) -> bool:
    """Parse the dbt project, if it was not parsed in this work folder; whether it was parsed now."""
    try:
        from flows.marts.parse_ahead import parse_ahead  # which imports dbt
    except ImportError:
        return False
    return parse_ahead(settings)


def is_build_likely(settings: Settings) -> bool:
    """Whether there is no report of the day asked for yet, or a file in the source folder is newer than it."""
    folder = settings.reports_dir / (settings.as_of.isoformat() if settings.as_of else "latest")
    try:
        made = (folder / "report.json").stat().st_mtime
    except OSError:
        return True
    if settings.rebuild:
        return True
    if settings.source.startswith("s3://"):
        return False  # what lies there nobody has asked yet
    return _newest(Path(settings.source)) > made


def _newest(folder: Path) -> float:
    with suppress(OSError), os.scandir(folder) as files:
        return max((file.stat().st_mtime for file in files), default=0.0)
    return 0.0
