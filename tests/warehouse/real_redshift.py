"""`make test-redshift`: the loading, dbt and parity tests against a real workgroup that the environment names.

Everything is made in five schemas with a prefix that is used once, and under a prefix of its own in the bucket; both
are removed in the end. Without the settings it lists what is missing and exits with 2.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flows.errors import RetailError
from flows.run.blocks import read_blocks
from flows.run.settings import load_settings
from flows.run.target import find_access, find_stage
from flows.warehouse.redshift.connections import connect

TESTS = Path(__file__).resolve().parents[1]
FILES = (TESTS / "warehouse" / "test_redshift.py", TESTS / "flows" / "test_redshift_pipeline.py")
COST = """This loads about 93,000 records (5 MB) from {bucket}, builds the star schema once and reads every table back.
Estimated, not measured: 5 to 10 minutes of work for {host}. On Serverless that is at most
10/60 hours times its base capacity in RPU, e.g. 1.4 RPU-hours at 8 RPU; S3 sees a few hundred requests."""


def main() -> int:
    try:
        settings = load_settings(target="redshift")
        blocks = read_blocks(settings)
        access, stage = find_access(settings, blocks), find_stage(settings, blocks)
        print(COST.format(host=f"{access.host}, database {access.database}", bucket=f"s3://{stage.bucket}"), flush=True)
        connect(access).close()
    except RetailError as error:
        print(f"\n{error}\n\nSet them in the environment; docs/redshift.md says what each is.", file=sys.stderr)
        return error.exit_code
    command = [sys.executable, "-m", "pytest", *map(str, FILES), "-m", "redshift", "-v"]
    return subprocess.run(command, env=os.environ | {"RETAIL_TEST_REDSHIFT": "real"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
