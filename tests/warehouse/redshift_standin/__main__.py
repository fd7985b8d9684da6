"""`python -m tests.warehouse.redshift_standin`: start it, print what to export, wait for Ctrl-C or SIGTERM."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import sys

from tests.warehouse.redshift_standin import start_standin

PR_SET_PDEATHSIG = 1


def main() -> int:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # Linux: stop with the process that started this one
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    parent = os.getppid()
    with start_standin() as standin:
        variables = standin.environment() | {
            "RETAIL_REDSHIFT_HOST": standin.host,
            "RETAIL_REDSHIFT_PORT": str(standin.port),
            "RETAIL_REDSHIFT_DATABASE": standin.database,
            "RETAIL_REDSHIFT_USER": standin.user,
            "DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD": standin.password,
        }
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}")
        print(
            f"# bucket {standin.bucket}, role {standin.role_arn}, faulty S3 at {standin.faulty_s3_endpoint}", flush=True
        )
        if os.getppid() == parent:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
