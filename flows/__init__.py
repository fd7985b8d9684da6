"""The Prefect flows of the retail pipeline: ingest → transform → report.

A flow that is started without a Prefect server starts one for itself. These defaults make that patient (a new
database needs more than the 20 seconds it is given) and quiet; what the environment says wins. They must be set
before prefect is imported, hence here.
"""

import os

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
