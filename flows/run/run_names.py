"""What Prefect's user interface calls the flow runs inside a run."""

from __future__ import annotations

from prefect.context import FlowRunContext

from flows.run.summary import find_run


def name_flow_run() -> str:
    """A name for the flow run that begins: one inside another says its step and whose; others keep the name they have.

    That is Prefect's own, or what a person gave to a run of a deployment. Prefect calls this in the context of the
    flow run that it is to name (flow_engine, 3.8).
    """
    context, outer = FlowRunContext.get(), find_run()
    if context is None or context.flow is None or context.flow_run is None:
        raise RuntimeError("only a flow run that begins can be named")
    return f"{context.flow.name} of {outer.name}" if outer and outer.name else context.flow_run.name
