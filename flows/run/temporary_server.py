"""Where the runs of a command line tell Prefect how they are: a server that the user has, or one for this run alone."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.context import refresh_global_settings_context
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
    temporary_settings,
)

from flows.errors import ConfigError
from flows.run.early_server import take_server
from flows.run.own_server import TemporaryServer

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 6.0

_for_this_process = ExitStack()


def reach_server(work_dir: Path, meanwhile: Iterable[object] = ()) -> None:
    """Make sure of the server that Prefect's settings name; without one, of a temporary server, and name that.

    It serves this process to its very end: only then does Prefect send it the last of what there is to tell. While it
    starts, one step after the other is taken of what is to do `meanwhile`.

    Raises:
        ConfigError: the server does not answer, or no temporary server can be started.
    """
    url, begun = get_current_settings().api.url, take_server()
    if url:
        if begun:
            begun.stop()
        check_answers(url)
        return
    server = begun or TemporaryServer(work_dir / "prefect")
    if begun is None:
        atexit.register(server.stop)
        server.begin()
    server.wait(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value(), meanwhile)
    _name_server(server.api_url)


def _name_server(url: str) -> None:
    """Let all threads find it; those that dbt starts know nothing of the settings of the main thread's context.

    Heartbeats are for automations that find a lost host, and nobody has any on this server. Each flow would wait at its
    end for the thread that sends them, up to a second (prefect.flow_engine: `_send_heartbeats`).
    """
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    _for_this_process.enter_context(temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))


def check_answers(url: str) -> None:
    """Ask the server something, as Prefect will.

    Raises:
        ConfigError: nothing answers, it is no Prefect server, or it does not let us in.
    """
    shown = _without_secrets(url)
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(
                sync_client=True, httpx_settings={"timeout": httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)}
            ) as client,
        ):
            client.read_flows(limit=1)
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code in {401, 403}:
            raise ConfigError(
                f"PREFECT_API_URL: {shown} does not let us in ({code}). Set PREFECT_API_KEY (Prefect Cloud) or "
                "PREFECT_API_AUTH_STRING (a server of your own) to what it asks for."
            ) from None
        raise ConfigError(_not_prefect(shown, f"it answers {code}")) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        why = "in time" if isinstance(error, httpx.TimeoutException) else f"({error})"
        raise ConfigError(
            f"PREFECT_API_URL: no server answers at {shown} {why}. Start it (make ui, or prefect server start), "
            "correct the address, or unset it: then each run has a temporary server."
        ) from None
    except Exception as error:  # what it said is not what a Prefect server says
        raise ConfigError(_not_prefect(shown, f"{type(error).__name__}")) from None


def _not_prefect(shown: str, why: str) -> str:
    return (
        f"PREFECT_API_URL: what answers at {shown} is no Prefect server ({why}). The address of one ends in /api, "
        "that of Prefect Cloud in /workspaces/ and an id; correct it, or unset it: then each run has a temporary "
        "server."
    )


def _without_secrets(url: str) -> str:
    with suppress(httpx.InvalidURL):
        return str(httpx.URL(url).copy_with(userinfo=b"", query=None))
    return "an address that cannot be read"
