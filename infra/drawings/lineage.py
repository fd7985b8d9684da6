"""The dbt manifest in; the drawing of what is built from what out, from the raw tables to the KPIs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from infra.drawings.canvas import FOOTNOTE, SUBTITLE, TITLE, Canvas, Style, point
from infra.drawings.layers import Arrow, Layers, arrange

HEADS = ("raw tables, seeds", "staging", "intermediate", "data_mart", "KPIs")
LAYER_OF = {"staging": 1, "intermediate": 2, "data_mart": 3}
# of the machinery: the gate waits for every model and test, the notes say which orders are made anew
OF_THE_MACHINERY = {"int_build_gate", "int_touched_orders"}
DRAWN = ("model.", "analysis.")  # what is built from something; exposures are called as the KPIs are
MARGIN, TOP, NAME, PASSAGE, SPACE = 24.0, 118.0, 24.0, 8.0, 12.0
GUTTER = 92.0
MODEL, MART = Style(11.5), Style(11.5, is_bold=True)
COLORS = ("slate", "green", "purple", "blue")  # of the layer that an arrow begins in
FROM_DIMENSIONS, WITHIN_A_LAYER = "red", "olive"
NAMED = "Lineage of the dbt project"
EXPLAINED = "What each table is built from: raw tables as delivered, staging, intermediate, star schema, KPIs."
FOOT = (
    "Lines run from left to right, from what is read to what is built from it; those from dimensions are red. "
    "Olive, with a head: within a layer.",
    "Left out: ops (ledgers, archives), which staging reads too, and int_build_gate and int_touched_orders, "
    "which order the build and note what it makes anew.",
)


@dataclass(frozen=True)
class Place:
    """Where a name or a passing arrow stands: its left and right edge and its middle line."""

    left: float
    right: float
    y: float


def draw_lineage(manifest: Mapping[str, Any]) -> str:
    """The lineage as SVG: raw tables and seeds, models by layer, KPIs (the analyses)."""
    layer_of = _find_layers(manifest)
    models = _find_models(manifest)
    arrows = [
        (_name(parent, models), _name(child, models))
        for child, parents in manifest["parent_map"].items()
        for parent in parents
        if child.startswith(DRAWN) and _name(child, models) in layer_of and _name(parent, models) in layer_of
    ]
    names = [[name for name, layer in layer_of.items() if layer == number] for number in range(len(HEADS))]
    layers = arrange(names, arrows)
    places, size = _place(layers, layer_of)
    inner = sorted({arrow for arrow in arrows if layer_of[arrow[0]] == layer_of[arrow[1]]})
    description = "; ".join(f"{end} is built from {begin}" for begin, end in sorted(set(arrows)))
    canvas = Canvas(*size, NAMED, f"{description}.")
    _write_words(canvas, layers, places)
    _draw_arrows(canvas, layers, places, layer_of)
    for begin, end in inner:
        _draw_inner_arrow(canvas, places[begin], places[end])
    for name, layer in sorted(layer_of.items()):
        place = places[name]
        canvas.box((place.left, place.y - NAME / 2), (place.right - place.left, NAME), "box", "frame")
        canvas.text((place.left + 8, place.y + 4), name, _style(layer))
    return canvas.svg()


def _name(unique_id: str, models: Collection[str]) -> str:
    """The name that is drawn: a KPI that is called as the model it shows says that it is the KPI."""
    name = unique_id.rsplit(".", maxsplit=1)[-1]
    return f"{name} (KPI)" if unique_id.startswith("analysis.") and name in models else name


def _find_models(manifest: Mapping[str, Any]) -> set[str]:
    return {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def _find_layers(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Every name that is drawn → its layer."""
    found = {source["name"]: 0 for source in manifest["sources"].values() if source["source_name"] == "raw"}
    models = _find_models(manifest)
    for node_id, node in manifest["nodes"].items():
        if node["name"] in OF_THE_MACHINERY:
            continue
        if node["resource_type"] == "model":
            found[node["name"]] = LAYER_OF[node["fqn"][1]]
        elif node["resource_type"] in ("seed", "analysis"):
            found[_name(node_id, models)] = 0 if node["resource_type"] == "seed" else len(HEADS) - 1
    return found


def _place(layers: Layers, layer_of: Mapping[str, int]) -> tuple[dict[str, Place], tuple[float, float]]:
    """The places, and width and height of the sheet; every layer is spread over the whole height."""
    thick = [[NAME if name in layer_of else PASSAGE for name in layer] for layer in layers.order]
    height = max(sum(layer) + SPACE * (len(layer) - 1) for layer in thick)
    places, left = {}, MARGIN
    for layer, heights in zip(layers.order, thick, strict=True):
        width = round(max(_style(layer_of[name]).width(name) for name in layer if name in layer_of)) + 16
        space = (height - sum(heights)) / max(len(layer), 1)
        y = TOP + space / 2
        for name, thickness in zip(layer, heights, strict=True):
            places[name] = Place(left, left + width, round(y + thickness / 2, 1))
            y += thickness + space
        left += width + GUTTER
    return places, (left - GUTTER + MARGIN, TOP + height + 18 * len(FOOT) + MARGIN + 12)


def _style(layer: int) -> Style:
    return MART if layer == LAYER_OF["data_mart"] else MODEL


def _color(name: str, layer_of: Mapping[str, int]) -> str:
    is_dimension = name.startswith(("dim_", "bridge_"))
    return FROM_DIMENSIONS if is_dimension else COLORS[layer_of[name]]


def _draw_arrows(canvas: Canvas, layers: Layers, places: Mapping[str, Place], layer_of: Mapping[str, int]) -> None:
    """From layer to layer as curves, and straight on where an arrow passes one."""
    drawn: set[Arrow] = set()
    for (begin, _), way in sorted(layers.ways.items()):
        color = _color(begin, layer_of)
        for here, there in pairwise(way):
            if (here, there) in drawn:
                continue
            drawn.add((here, there))
            first, second = places[here], places[there]
            middle = (first.right + second.left) / 2
            path = (
                f"M{point(first.right, first.y)} C{point(middle, first.y)} {point(middle, second.y)} "
                f"{point(second.left, second.y)}"
            )
            canvas.line(path if there in layer_of else f"{path} L{point(second.right, second.y)}", color, 1.2)


def _draw_inner_arrow(canvas: Canvas, begin: Place, end: Place) -> None:
    """Out at the right and back into the box below or above, with a head: within a layer the direction must be told."""
    swing = begin.right + 12 + min(abs(end.y - begin.y) * 0.16, 34)
    canvas.line(
        f"M{point(begin.right, begin.y)} C{point(swing, begin.y)} {point(swing, end.y)} {point(end.right + 5, end.y)}",
        WITHIN_A_LAYER,
        1.2,
    )
    canvas.shape(f"M{point(end.right, end.y)} l7 -3.5 v7 z", WITHIN_A_LAYER)


def _write_words(canvas: Canvas, layers: Layers, places: Mapping[str, Place]) -> None:
    canvas.text((MARGIN, MARGIN + 14), NAMED, TITLE)
    canvas.text((MARGIN, MARGIN + 36), EXPLAINED, SUBTITLE)
    for head, layer in zip(HEADS, layers.order, strict=True):
        canvas.text((places[layer[0]].left, TOP - 14), head, Style(12.0, "muted", is_bold=True))
    for number, line in enumerate(FOOT):
        canvas.text((MARGIN, canvas.height - MARGIN - 18 * (len(FOOT) - 1 - number)), line, FOOTNOTE)
