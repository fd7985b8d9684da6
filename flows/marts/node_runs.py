"""A task run for each node of dbt, in a thread with the contexts of the run: what prefect-dbt does, at a tenth of it.

prefect-dbt 0.7 rebuilds all contexts for each node from their serialised form, as Prefect must on another machine. That
reads every file of Prefect's settings anew, makes an HTTP client with the certificates of the world, and imports all
of Prefect's integrations to find the class of a block: 0.1 s of processor time a node, and two seconds once. Within one
process a copied context does (`contextvars`), such as Prefect's own thread pool gives its tasks (ThreadPoolTaskRunner).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any
from unittest.mock import patch
from uuid import UUID

import prefect_dbt.core.runner as prefect_dbt_runner
from prefect.context import FlowRunContext
from prefect.task_engine import run_task_sync
from prefect.tasks import Task
from prefect_dbt.core._tracker import NodeTaskTracker

NODE_SECONDS = 60  # for the server to take in the last task runs


class NodeRuns(NodeTaskTracker):  # type: ignore[misc]  # prefect-dbt says no types
    """The task runs of one dbt command; made in the thread whose contexts they get."""

    def __init__(self) -> None:
        super().__init__()
        self._of_run = _copy_detached()
        self._threads: list[threading.Thread] = []

    def get_task_run_name(self, node_id: str) -> str:
        """What the log calls the task run of a node; prefect-dbt is told it by nobody, and would write "None"."""
        begun = self._tasks.get(node_id)
        return str(begun.task_run_name) if begun is not None and begun.task_run_name else node_id

    def run_task_in_thread(
        self, node_id: str, task: Task[Any, Any], task_run_id: UUID, parameters: dict[str, Any], context: object
    ) -> None:
        """Begin the task run of a node; it ends when dbt says that the node has. `context` is the serialised form."""
        del context

        def run_node() -> None:
            before = [self.get_task_result(each) for each in self.get_node_dependencies(node_id)]
            state = run_task_sync(
                task,
                task_run_id=task_run_id,
                parameters=parameters,
                wait_for=[state for state in before if state],
                return_type="state",
            )
            self.set_task_result(node_id, state)

        thread = threading.Thread(target=self._of_run.copy().run, args=(run_node,), name=node_id, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the task runs to end; dbt may have ended before they have."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))


@contextmanager
def run_nodes_as_tasks() -> Iterator[None]:
    """While this lasts, dbt's nodes are run so; at its end no task run is left behind.

    They read the environment as they begin: one that is taken back meanwhile breaks them, and the node has no task run.
    """
    begun: list[NodeRuns] = []

    def begin() -> NodeRuns:
        begun.append(NodeRuns())
        return begun[-1]

    try:
        with patch.object(prefect_dbt_runner, "NodeTaskTracker", begin):
            yield
    finally:
        for runs in begun:
            runs.join(NODE_SECONDS)


def _copy_detached() -> Context:
    """The contexts of this thread, with a flow run that numbers no task runs.

    Its counter is not made for threads, and two task runs of the same number are one to the server; where a flow run is
    detached, each has a random key (prefect._internal.engine: `dynamic_key_for_task_run`).
    """
    copied, flow_run = copy_context(), FlowRunContext.get()
    if flow_run is not None:
        copied.run(FlowRunContext.model_construct(**{**dict(flow_run), "detached": True}).__enter__)
    return copied
