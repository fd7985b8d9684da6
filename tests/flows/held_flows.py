"""Flows for deployments of tests: those of the product, which wait where HELD_AT says (`stop_child`)."""

from __future__ import annotations

import os
from pathlib import Path

from flows.report import report
from flows.transform import transform
from tests.flows.stop_child import hold_at

__all__ = ["report", "transform"]

if "HELD_AT" in os.environ:
    hold_at(os.environ["HELD_AT"], Path(os.environ["HELD_REACHED"]))
