"""The span of an axis and how it writes a number in; round numbers out at which the axis may have a tick.

A tick is only where its text says the very number: an axis of counts has none at 2.5 and one of amounts none at half a
cent, so that no two say the same. What an axis can write is asked of the function that writes it.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

from mizani.breaks import breaks_extended

MOST_TICKS = 5
UNITS = (1.0, 0.1, 0.01, 0.001)  # counts, then numbers of so many decimals
SLACK = 1e-6  # of a unit


def propose_ticks(floor: float, reach: float, write: Callable[[float], str]) -> list[list[float]]:
    """Choices of two or more ticks from `floor` to `reach`, that of about five first; none where there is no span.

    Steps of which each tick can be written come before those that lose some of theirs.
    """
    unit = _find_unit(write)
    found = [_find_ticks(floor, reach, count) for count in range(MOST_TICKS, 1, -1)] if reach > floor else []
    kept = [[tick for tick in ticks if _is_multiple(tick, unit)] for ticks in found]
    whole = [ticks for ticks in kept if ticks in found]
    return [ticks for ticks in (*whole, *kept) if len(ticks) > 1]


def _find_ticks(floor: float, reach: float, count: int) -> list[float]:
    """Multiples of a round step, without noise: 0.3, not 0.30000000000000004."""
    found = [float(f"{tick:.12g}") for tick in breaks_extended(n=count)((floor, reach))]
    return [tick for tick in found if floor <= tick <= reach]


def _find_unit(write: Callable[[float], str]) -> float | None:
    """The unit of which half is written as a whole one or as nothing; None where all that is drawn can be written."""
    return next((unit for unit in UNITS if write(unit / 2) in (write(0.0), write(unit))), None)


def _is_multiple(tick: float, unit: float | None) -> bool:
    return unit is None or abs(tick / unit - round(tick / unit)) < SLACK
