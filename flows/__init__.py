"""The Prefect flows of the retail pipeline: ingest → transform → report.

A flow that is started without a Prefect server starts one for itself. These defaults make that patient (a new
database needs more than the 20 seconds it is given) and quiet; what the environment says wins. What must mean the same
on every machine is set first, see `flows.run.ambient`. Both must be done before prefect is imported, hence here.
"""

import os
import sys

from flows.run.ambient import settle
from flows.run.entry import begin_command

begin_command()
settle(os.environ)
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
if "prefect" in sys.modules:  # a worker's own process: Prefect has made its handlers before it looks for the flow
    from flows.run.json_lines import use_log_format

    use_log_format()
