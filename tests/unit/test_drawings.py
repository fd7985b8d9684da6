"""The drawings in data/images: they are those of the contracts and the dbt project, whole, legible and shown."""

from __future__ import annotations

import re
from io import BytesIO
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image, ImageChops

from flows.lake.contracts import CONTRACTS
from infra.docs import IMAGES
from infra.drawings import draw_all, layers, routes, schemas
from infra.drawings.canvas import COLORS, Style, render_png
from infra.drawings.lineage import OF_THE_MACHINERY, draw_lineage
from infra.drawings.tables import Field, Table, Words, draw_tables
from reports.kpis import KPIS
from tests.conftest import PROJECT

DRAWINGS = ("raw_schema", "star_schema", "dbt_lineage")
CURE = "make docs draws it anew"
WORDS = Words("Toy", (), (), "a toy")


@pytest.fixture(scope="module")
def drawings(manifest: dict[str, Any]) -> dict[str, str]:
    return draw_all(manifest)


def read_texts(svg: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]


def find_extent(text: ET.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text as it is set."""
    x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
    width = Style(size, is_bold=text.get("font-weight") == "bold").width(text.text or "")
    left = x - width if text.get("text-anchor") == "end" else x
    return left, y - 0.8 * size, left + width, y + 0.25 * size


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_is_that_of_the_contracts_and_the_dbt_project(drawings: dict[str, str], name: str) -> None:
    assert (IMAGES / f"{name}.svg").read_text(encoding="utf-8") == drawings[name], CURE


@pytest.mark.parametrize("name", DRAWINGS)
def test_png_shows_the_same_as_the_svg(drawings: dict[str, str], name: str) -> None:
    pngs = (IMAGES / f"{name}.png").read_bytes(), render_png(drawings[name])
    kept, drawn = (Image.open(BytesIO(png)).convert("L") for png in pngs)
    assert kept.size == drawn.size, CURE
    counts = ImageChops.difference(kept, drawn).histogram()
    assert sum(counts[64:]) == 0, CURE


def test_drawings_are_the_same_when_drawn_again(manifest: dict[str, Any], drawings: dict[str, str]) -> None:
    nodes = dict(reversed(manifest["nodes"].items()))
    assert draw_all(manifest | {"nodes": nodes}) == drawings


def test_raw_schema_shows_every_column_and_its_references(drawings: dict[str, str]) -> None:
    shown = {text.text for text in read_texts(drawings["raw_schema"])}
    for contract in CONTRACTS.values():
        assert {contract.table, *contract.columns} <= shown
    assert "raw_items.order_id refers to raw_orders.id" in drawings["raw_schema"]
    columns = [column for contract in CONTRACTS.values() for column in contract.columns.values()]
    declared = [column for column in columns if "raw_" in (column.description or "")]
    assert drawings["raw_schema"].count(" refers to ") == len(declared)


def test_star_schema_shows_every_column_of_every_mart(drawings: dict[str, str], manifest: dict[str, Any]) -> None:
    shown = {text.text for text in read_texts(drawings["star_schema"])}
    marts = [node for node in manifest["nodes"].values() if node["fqn"][1] == "data_mart" and "columns" in node]
    models = [node for node in marts if node["resource_type"] == "model"]
    named = {name for node in models if node["language"] == "sql" for name in (node["name"], *node["columns"])}
    assert named - shown == schemas.OLD_NAMES | schemas.OF_THE_MACHINERY
    assert {node["name"] for node in models if node["language"] == "python"}.isdisjoint(shown)
    for column in ("customer_id", "product_id", "store_id"):
        dimension = f"dim_{column.removesuffix('_id')}s"
        assert f"fact_orders_items.{column} refers to {dimension}.{column}" in drawings["star_schema"]


def test_lineage_shows_every_raw_table_model_and_kpi_and_what_it_reads(
    drawings: dict[str, str], manifest: dict[str, Any]
) -> None:
    shown = {text.text for text in read_texts(drawings["dbt_lineage"])}
    models = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert {*CONTRACTS, *KPIS, *models} - shown == OF_THE_MACHINERY
    of_a_kpi = ("reorder_suggestions", "reorder_suggestions (KPI)")
    for begin, end in (
        ("raw_orders", "stg_orders"),
        ("fact_orders", "tax_ratio"),
        ("dim_stores", "tax_ratio"),
        of_a_kpi,
    ):
        assert f"{end} is built from {begin}" in drawings["dbt_lineage"]


@pytest.mark.parametrize("name", DRAWINGS)
def test_texts_stay_on_the_sheet_and_meet_no_other(drawings: dict[str, str], name: str) -> None:
    root = ET.fromstring(drawings[name])
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    extents = {(text.text, *find_extent(text)): find_extent(text) for text in read_texts(drawings[name])}
    for what, (left, top, right, bottom) in extents.items():
        assert left >= 20, what
        assert top >= 20, what
        assert right <= width - 20, what
        assert bottom <= height - 10, what
    for (what, a), (other, b) in combinations(extents.items(), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (what, other)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colors_stand_out_from_paper_and_boxes(scheme: int) -> None:
    for name in set(COLORS) - {"paper", "box", "head", "frame"}:
        for ground in ("paper", "box"):
            dim, bright = sorted((luminance(COLORS[name][scheme]), luminance(COLORS[ground][scheme])))
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (name, ground)


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_says_what_it_shows_to_who_cannot_see_it(drawings: dict[str, str], name: str) -> None:
    root = ET.fromstring(drawings[name])
    words = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.get("role") == "img"
    assert words["title"]
    assert len(words["desc"] or "") > 200


def test_table_without_a_place_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "RAW_PLACES", (("raw_customers",), *schemas.RAW_PLACES[1:]))
    with pytest.raises(ValueError, match=r"RAW_PLACES in infra/drawings/schemas.py .* missing or gone: raw_stores"):
        schemas.draw_raw_schema()


def test_reference_two_columns_away_is_refused() -> None:
    far = Table("far", (Field("id", "text", refers_to=("near", "id")),))
    near = Table("near", (Field("id", "text", is_key=True),))
    with pytest.raises(ValueError, match="far refers to near"):
        draw_tables([[near], [Table("between", (Field("id", "text"),))], [far]], WORDS)


def test_reference_to_a_part_of_a_key_ends_at_many_rows() -> None:
    def forks(*key: str) -> int:
        near = Table("near", tuple(Field(name, "text", is_key=True) for name in key))
        far = Table("far", (Field("near_id", "text", refers_to=("near", "id")),))
        return draw_tables([[near], [far]], WORDS).count(" L")

    assert (forks("id"), forks("id", "part")) == (2, 4)


def test_lanes_cross_as_seldom_as_they_can() -> None:
    outer = routes.Bundle("outer", routes.End(0, "left"), (routes.End(90, "left"),))
    inner = routes.Bundle("inner", routes.End(30, "left"), (routes.End(60, "left"),))
    assert [lane.name for lane in routes.order_lanes([outer, inner])] == ["inner", "outer"]
    assert routes.count_crossings([outer, inner]) == 2


def test_layers_are_untangled_and_what_comes_first_stands_above() -> None:
    tangled = [("a", "z"), ("b", "y"), ("c", "x"), ("z", "y")]
    found = layers.arrange([["a", "b", "c"], ["x", "y", "z"]], tangled)
    assert layers.count_crossings(found) == 0
    assert found.order[1].index("z") < found.order[1].index("y")


def test_arrow_to_an_earlier_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="a is built from b, which stands in a later layer"):
        layers.arrange([["a"], ["b"]], [("b", "a")])


def test_new_model_is_drawn(manifest: dict[str, Any]) -> None:
    parent = "model.retail.stg_orders"
    node = manifest["nodes"][parent] | {"name": "int_new", "fqn": ["retail", "intermediate", "int_new"]}
    more = manifest | {
        "nodes": manifest["nodes"] | {"model.retail.int_new": node},
        "parent_map": manifest["parent_map"] | {"model.retail.int_new": [parent]},
    }
    assert "int_new is built from stg_orders" in draw_lineage(more)


def test_readme_shows_the_drawings() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{20,}\]\((data/images/\w+\.svg)\)", readme)
    assert shown == [f"data/images/{name}.svg" for name in DRAWINGS]
