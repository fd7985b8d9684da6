"""The main job: ingest → transform → report."""

from __future__ import annotations

from flows.run.command_line import check_command

if __name__ == "__main__":
    check_command("pipeline")  # the imports below take seconds

import sys
from datetime import date
from typing import Any

from prefect import flow, get_run_logger

from flows.ingest import ingest
from flows.report import report
from flows.run.command_line import run_flow
from flows.run.settings import Target, load_settings
from flows.run.summary import describe, hold_warehouse, open_run
from flows.transform import transform
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
    """
    settings = load_settings(
        source=source, profile=profile, work_dir=work_dir, target=target, as_of=as_of, pdf=pdf, language=language
    )
    with open_run(settings) as run, hold_warehouse(run, settings):
        ingest(source, work_dir, target, as_of, profile)
        transform(source, work_dir, target, as_of, profile)
        report(source, work_dir, target, as_of, pdf, language, profile)
    get_run_logger().info("%s", describe(run.summary))
    return run.summary


if __name__ == "__main__":
    sys.exit(run_flow("pipeline", retail_pipeline))
