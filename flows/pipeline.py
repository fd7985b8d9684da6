"""The main job: ingest → transform → report; where nothing has changed since the newest report, ingest alone."""

from __future__ import annotations

from flows.run.command_line import check_command

if __name__ == "__main__":
    check_command("pipeline")  # the imports below take seconds

import sys
from datetime import date
from typing import Any

from prefect import flow, get_run_logger

from flows.ingest import ingest
from flows.marts.standing import Standing, find_standing, summarise_standing
from flows.run.command_line import run_flow
from flows.run.settings import Target, load_settings
from flows.run.summary import Run, hold_warehouse, open_run
from flows.run.summary_text import describe, describe_age
from flows.run.told_once import PRINTED
from reports.languages import Language


@flow(name="retail-pipeline")
def retail_pipeline(  # noqa: PLR0913, PLR0917 - each is a field of the deployment's form
    source: str | None = None,
    work_dir: str | None = None,
    target: Target | None = None,
    as_of: date | None = None,
    pdf: bool | None = None,
    language: Language | None = None,
    profile: str | None = None,
    rebuild: bool | None = None,
) -> dict[str, Any]:
    """Load the raw CSV files, build and test the star schema, and publish the KPI report.

    Args:
        source: Folder of the raw CSV files, or s3://bucket/prefix. Empty: RETAIL_SOURCE, else data/datasets.
        work_dir: Folder for everything a run writes. Empty: RETAIL_WORK_DIR, else data/work.
        target: The warehouse: local (an embedded DuckDB file) or redshift.
        as_of: Last day that the numbers cover; "the last year" ends on it. Empty: the last plausible order date.
        pdf: Print the report as PDF too, by an installed Chromium. Empty: RETAIL_PDF, else not.
        language: Of the page and the artifacts; the page in the other one lies beside it. Empty: RETAIL_LANGUAGE, en.
        profile: Source profile, a TOML file: how a shop's own files are named and written. Empty: RETAIL_PROFILE.
        rebuild: Build and report even if nothing has changed since the newest report. Empty: RETAIL_REBUILD, else not.
    """
    settings = load_settings(
        source=source,
        profile=profile,
        work_dir=work_dir,
        target=target,
        as_of=as_of,
        pdf=pdf,
        language=language,
        rebuild=rebuild,
    )
    with open_run(settings) as run, hold_warehouse(run, settings) as warehouse:
        run.show()
        ingest(source, work_dir, target, as_of, profile)
        run.show()
        standing = None if settings.rebuild else find_standing(warehouse, settings)
        if standing:
            keep_report(run, standing)
        else:
            from flows.report import report  # drawing and dbt take seconds to import
            from flows.transform import transform

            transform(source, work_dir, target, as_of, profile)
            run.show()
            report(source, work_dir, target, as_of, pdf, language, profile)
    get_run_logger().info("%s", describe(run.summary), extra=PRINTED)
    return run.summary


def keep_report(run: Run, standing: Standing) -> None:
    """Say that nothing has changed, how old the sources are meanwhile, and which report stands."""
    log, found = get_run_logger(), summarise_standing(standing, run.settings)
    for each in found["freshness"]:
        if each["status"] != "pass":
            log.warning("%s", describe_age(each))
    run.end_as = "unchanged"
    run.summary |= {
        "dbt": found,
        "as_of": standing.facts.as_of.isoformat(),
        "build_id": standing.build.build_id,
        "files_loaded_since_build": False,
        "report": str(standing.folder / "index.html"),
    }
    log.info(
        "Nothing has changed since the report of %s UTC was made: neither files, settings, code nor the day asked for. "
        "It stands; --rebuild makes it anew.",
        f"{standing.facts.made_at:%Y-%m-%d %H:%M}",
    )


if __name__ == "__main__":
    sys.exit(run_flow("pipeline", retail_pipeline))
