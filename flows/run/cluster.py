"""Who converts, as the settings say: the threads of this run, or the workers of a Dask cluster.

prefect-dask connects to the cluster. Its own tasks are not used: they carry Prefect's settings to the workers, the key
of its API among them (`prefect.context.serialize_context`). Each task stays here, and what travels is a job
(`flows.warehouse.redshift.worker`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flows.errors import ConfigError
from flows.lake.sources import Delivery
from flows.run.blocks import read_blocks
from flows.run.needs import check_runner
from flows.run.settings import Settings
from flows.run.target import find_stage
from flows.warehouse.conversion import Converter, Threads
from flows.warehouse.redshift.remote import Workers
from flows.warehouse.redshift.stage import Stage
from flows.warehouse.told import Log

CONNECT_SECONDS = 30


@contextmanager
def open_converter(settings: Settings, delivery: Delivery, log: Log) -> Iterator[Converter]:
    """What the files of this delivery are converted by.

    Raises:
        ConfigError: workers are asked for, but something is missing for them, or nobody answers.
    """
    if settings.runner == "threads":
        yield Threads(delivery.fetch)
        return
    check_runner(settings)
    blocks = read_blocks(settings)
    stage = Stage(find_stage(settings, blocks))
    with _reach(str(settings.dask_address)) as client:
        log.info("%d workers are at %s", len(client.scheduler_info(n_workers=-1)["workers"]), settings.dask_address)
        yield Workers(partial(client.submit, pure=False), stage, blocks.region)  # a job of an earlier run is another


@contextmanager
def _reach(address: str) -> Iterator[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    with DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_SECONDS}) as runner:
        try:
            client = runner.client
        except (OSError, TimeoutError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at {address} ({error}). Check RETAIL_DASK_ADDRESS, that one runs there, "
                "and the TLS settings of Dask."
            ) from error
        yield client
