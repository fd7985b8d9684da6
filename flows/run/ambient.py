"""Somebody else's machine: its environment in, one in which a run means the same everywhere out.

Called before Prefect is imported, by the package itself, so that it holds for `python -m`, for a worker and for the
temporary server alike. Where to work and whom to ask (PREFECT_API_URL, AWS_…, RETAIL_…) is the user's to say and stays.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import MutableMapping
from importlib.util import find_spec

# What flows and tasks are is said by us. The environment stands above Prefect's profiles and prefect.toml ("Settings
# and profiles" in its documentation), so these hold against both.
PREFECT = {
    "PREFECT_FLOWS_DEFAULT_RETRIES": "0",  # a refused file is not tried again
    "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "0",
    "PREFECT_TASKS_DEFAULT_RETRIES": "0",
    "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS": "0",
    "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "false",  # settings and frames would be pickled to a disk or a bucket
    "PREFECT_TASKS_REFRESH_CACHE": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "pickle",
    "PREFECT_LOGGING_LOG_PRINTS": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # infra/automations/run-zombie.yaml waits four of them
}
# Other names of those, and what can only be unset: a block that somebody keeps results in
OTHERS = (
    "PREFECT_FLOW_DEFAULT_RETRIES",
    "PREFECT_FLOW_DEFAULT_RETRY_DELAY_SECONDS",
    "PREFECT_TASK_DEFAULT_RETRIES",
    "PREFECT_TASK_DEFAULT_RETRY_DELAY_SECONDS",
    "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK",
    "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK",
    "PREFECT_TASKS_SCHEDULING_DEFAULT_STORAGE_BLOCK",
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def settle(environment: MutableMapping[str, str]) -> None:
    """Make an environment one that changes neither what flows are, nor how this machine is reached from itself."""
    for name in OTHERS:
        environment.pop(name, None)
    environment.update(PREFECT)
    _keep_loopback_from_proxies(environment)


def settle_process() -> None:
    """Let no warning of a library end a run of our own command line, and take and print every letter.

    PYTHONWARNINGS=error ends the import of Prefect; an é on a terminal of ASCII would end a run that went well. Where
    Python takes names of files for ASCII, with LC_ALL=C and PYTHONUTF8=0, the process starts anew in UTF-8 mode
    (PEP 540).
    """
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - itself, as it was called
    os.environ.pop("PYTHONWARNINGS", None)  # for the server that is started
    if sys.warnoptions:
        sys.warnoptions.clear()
        warnings.resetwarnings()
        for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)  # as Python does by itself ("warnings", default filter)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _keep_loopback_from_proxies(environment: MutableMapping[str, str]) -> None:
    """Prefect's client asks a proxy for the server on this machine otherwise, and is told 403 after minutes."""
    for name in ("ALL_PROXY", "all_proxy"):  # only Prefect's client reads it, which cannot speak SOCKS by itself
        if environment.get(name, "").lower().startswith("socks") and find_spec("socksio") is None:
            del environment[name]
    if not any(name.lower().endswith("_proxy") and name.lower() != "no_proxy" for name in environment):
        return
    known = [host for name in ("no_proxy", "NO_PROXY") for host in environment.get(name, "").split(",")]
    hosts = ",".join(dict.fromkeys(host.strip() for host in (*known, *LOOPBACK) if host.strip()))
    environment.update(no_proxy=hosts, NO_PROXY=hosts)
