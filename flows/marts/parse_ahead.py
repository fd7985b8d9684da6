"""The dbt project parsed while the run's server still starts: seconds that a first build need not wait for later.

dbt keeps what it has parsed in its target folder, and when it reads that again holds it against every file, the vars,
the target and the environment. So the run's own parse finds all as it would have parsed it, or parses anew what is not.
Nobody is asked here and nothing is told: Prefect's server is not there yet, and DuckDB's file is not opened.
"""

from __future__ import annotations

import json
from contextlib import suppress

from dbt.cli.main import dbtRunner

from flows.errors import RetailError
from flows.marts.environment import hold_environment
from flows.marts.runner import PARTIAL_PARSE, log_path, prepare_dbt
from flows.run.interruption import raise_if_stopped
from flows.run.privacy import private_files
from flows.run.settings import Settings
from flows.warehouse.lock import check_inside, hold_work_dir
from flows.warehouse.waiting import describe_holder


def parse_ahead(settings: Settings) -> bool:
    """Parse the project where dbt has kept no parse of it; whether it has now.

    Only for the embedded warehouse: to reach Redshift, Prefect and AWS may have to be asked for credentials. Where
    another run is at work, the folder cannot be written or the project is wrong, the run itself will say so.

    Raises:
        Interrupted, Terminated: the run was told to stop meanwhile.
    """
    kept = settings.dbt_target_dir / PARTIAL_PARSE
    if settings.target != "local" or kept.exists():
        return False
    with (
        suppress(RetailError, OSError),
        private_files(),
        hold_work_dir(settings.work_dir, describe_holder("that is just starting")),
    ):
        check_inside(settings.work_dir, "dbt")
        prepare_dbt(settings)
        with hold_environment(settings.dbt_environment() | log_path(settings)):
            _parse(settings)
    raise_if_stopped()
    return kept.exists()


def _parse(settings: Settings) -> None:
    """Parse as `invoke_dbt` would, without Prefect; dbt tells its log alone how it went."""
    places = {
        "project-dir": settings.dbt_project_dir,
        "profiles-dir": settings.dbt_project_dir,
        "target-path": settings.dbt_target_dir,
        "target": settings.target,
        "log-level": "none",
        "log-level-file": "info",
    }
    options = [text for name, value in places.items() for text in (f"--{name}", str(value))]
    variables = settings.dbt_variables()
    if variables:
        options += ["--vars", json.dumps(variables)]
    dbtRunner().invoke(["parse", *options, "--no-use-colors", "--no-use-colors-file", "--no-write-json"])
