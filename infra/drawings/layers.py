"""Names in layers and arrows between them in; where each name stands out, so that few arrows cross.

After Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures" (1981): an arrow
that passes a layer gets a place of its own there, and the order within each layer follows the mean place of what a
name is joined to, to and fro, until nothing is won any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

ROUNDS = 24
Arrow = tuple[str, str]


@dataclass
class Layers:
    """`order` is each layer from top to bottom; `ways` is each arrow with the places where it passes a layer."""

    order: list[list[str]]
    ways: dict[Arrow, list[str]] = field(default_factory=dict)

    @property
    def links(self) -> list[Arrow]:
        """The pieces of all arrows, each from one layer to the next."""
        pieces = ((way[i], way[i + 1]) for way in self.ways.values() for i in range(len(way) - 1))
        return list(dict.fromkeys(pieces))


def arrange(names: Sequence[Sequence[str]], arrows: Iterable[Arrow]) -> Layers:
    """The layers in the order with the fewest crossings that was found.

    Arrows within a layer pull their ends together, and what comes first stands above.

    Raises:
        ValueError: an arrow points to an earlier layer.
    """
    place = {name: number for number, layer in enumerate(names) for name in layer}
    layers = Layers([sorted(layer) for layer in names])
    inner = []
    for begin, end in sorted(arrows):
        if place[begin] > place[end]:
            raise ValueError(f"{end} is built from {begin}, which stands in a later layer")
        if place[begin] == place[end]:
            inner.append((begin, end))
        else:
            layers.ways[begin, end] = _pass_layers(layers, begin, end, range(place[begin] + 1, place[end]))
    return _untangle(layers, inner)


def count_crossings(layers: Layers) -> int:
    """How many pairs of arrows cross between two layers."""
    height = _heights(layers.order)
    by_layer = defaultdict(list)
    number = {name: i for i, layer in enumerate(layers.order) for name in layer}
    for begin, end in layers.links:
        by_layer[number[begin]].append((height[begin], height[end]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for links in by_layer.values()
        for i, a in enumerate(links)
        for b in links[i + 1 :]
    )


def _pass_layers(layers: Layers, begin: str, end: str, passed: Iterable[int]) -> list[str]:
    """One place a layer for all arrows from the same name: they part as late as they can."""
    way = [begin]
    for number in passed:
        place = f"{begin}→{number}"
        if place not in layers.order[number]:
            layers.order[number].append(place)
        way.append(place)
    return [*way, end]


def _untangle(layers: Layers, inner: Sequence[Arrow]) -> Layers:
    best, fewest = [list(layer) for layer in layers.order], count_crossings(layers)
    before, after = defaultdict(list), defaultdict(list)
    for begin, end in layers.links:
        before[end].append(begin)
        after[begin].append(end)
    for turn in range(ROUNDS):
        numbers = range(len(layers.order)) if turn % 2 == 0 else reversed(range(len(layers.order)))
        for number in numbers:
            layers.order[number] = _sorted_by_means(layers.order, number, before if turn % 2 == 0 else after, inner)
        if (found := count_crossings(layers)) < fewest:
            best, fewest = [list(layer) for layer in layers.order], found
    layers.order = best
    return layers


def _sorted_by_means(
    order: list[list[str]], number: int, neighbours: Mapping[str, list[str]], inner: Sequence[Arrow]
) -> list[str]:
    height = _heights(order)
    mean = {}
    for name in order[number]:
        joined = [height[other] for other in neighbours.get(name, [])] or [height[name]]
        mean[name] = fsum(joined) / len(joined)  # as exact as can be: `sum` rounds otherwise from Python 3.12 on
    for _ in order[number]:  # as often as the longest chain may need
        for begin, end in inner:
            if begin in mean and mean[end] <= mean[begin]:
                mean[end] = mean[begin] + 1e-3
    return sorted(order[number], key=lambda name: (mean[name], name))


def _heights(order: Sequence[Sequence[str]]) -> dict[str, float]:
    """Each name's place in its layer, from 0 at the top to 1."""
    return {name: (i + 0.5) / len(layer) for layer in order for i, name in enumerate(layer)}
