"""Ends of lines at the edges of a gutter in; a lane for each bundle of lines out, so that few of them cross.

Lines that end at the same column of the same table are one bundle: they share a vertical lane in the gutter, as the
wires of one signal do in the plan of a circuit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

Side = Literal["left", "right"]
CORNER = 6.0
MOST_TRIED = 7  # bundles in a gutter of which every order is tried: 5,040


@dataclass(frozen=True)
class End:
    """Where a line meets a box: how far down, and on which side of the gutter that box stands."""

    y: float
    side: Side


@dataclass(frozen=True)
class Bundle:
    """The lines from many columns to the one that they refer to; `is_one` if at most one row can be meant."""

    name: str
    target: End
    sources: tuple[End, ...]
    is_one: bool = True

    @property
    def ends(self) -> tuple[End, ...]:
        """All ends of the bundle."""
        return (self.target, *self.sources)

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where its lane goes."""
        heights = [end.y for end in self.ends]
        return min(heights), max(heights)


def order_lanes(bundles: list[Bundle]) -> list[Bundle]:
    """The bundles from the leftmost lane to the rightmost, in the order with the fewest crossings."""
    by_name = sorted(bundles, key=lambda bundle: bundle.name)
    if len(by_name) > MOST_TRIED:
        raise ValueError(f"{len(by_name)} bundles of lines in one gutter; at most {MOST_TRIED} can be put in order")
    return list(min(permutations(by_name), key=count_crossings))


def count_crossings(lanes: Iterable[Bundle]) -> int:
    """How often a line that leaves its lane crosses the lane of another bundle."""
    order = list(lanes)
    return sum(
        _is_crossed(order[other], end) and (other < own if end.side == "left" else other > own)
        for own, bundle in enumerate(order)
        for end in bundle.ends
        for other in range(len(order))
        if other != own
    )


def _is_crossed(lane: Bundle, end: End) -> bool:
    low, high = lane.reach
    return low < end.y < high
