"""Files of the work folder, without whoever is forgotten; and which source files still deliver them."""

from __future__ import annotations

import base64
import gzip
import html
import json
from pathlib import Path

import polars as pl
import pytest

from flows.errors import LoadError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from flows.lake.forgetting import HIDDEN, Forgotten
from flows.lake.forgotten_files import hide_in_parts, hide_in_summaries, remove_copies, remove_naming
from flows.lake.forgotten_texts import CHUNK, Names, is_delivered_in

ID, NAME = "cust-1|x_y", "Zoë O'Hara & Söhne"
NAMES = Names(frozenset({ID, NAME, "7"}))
EMPTY = Forgotten(b"key")
FORGOTTEN = Forgotten(b"key", EMPTY.describe(ID, [NAME]))


@pytest.mark.parametrize(
    "text",
    [
        f"duplicate key {ID}",
        NAME.upper(),
        html.escape(NAME),
        json.dumps({"error": NAME}),
        r"| Zoë O'Hara &amp; Söhne |",
        r"cust-1\|x\_y",
        f"data:image/svg+xml;base64,{base64.b64encode(f'<text>{NAME} of the year</text>'.encode()).decode()}",
    ],
)
def test_name_is_found_however_it_is_spelled(text: str) -> None:
    assert NAMES.are_in(text)


@pytest.mark.parametrize("text", [f"{ID}z", f"a{ID}", "7 records", "Zoë", ""])
def test_longer_words_and_short_ids_are_not_taken_for_theirs(text: str) -> None:
    assert not NAMES.are_in(text)
    assert NAMES.hide(text) == text


def test_name_is_found_in_a_drawing_that_is_cut_off() -> None:
    drawn = base64.b64encode(f"<svg><text>{NAME} of the year</text></svg>".encode()).decode()
    for end in range(len(drawn) - 12, len(drawn)):
        assert NAMES.are_in(f"base64,{drawn[:end]}"), end


def test_nobody_is_found_where_every_text_is_too_short() -> None:
    assert not Names(frozenset({"7", "Al"})).are_in("7 Al")


def test_summary_keeps_all_but_the_name(tmp_path: Path) -> None:
    said = {"run_id": "r", "error": f"key {ID} twice", "files": [{"rows_in": 7, "reasons": {"x": 1}}], "ok": True}
    (tmp_path / "a.json").write_text(json.dumps(said))
    (tmp_path / "b.json").write_text(json.dumps(said | {"error": None}))
    before = (tmp_path / "b.json").read_bytes()
    assert hide_in_summaries(tmp_path, NAMES, is_trial=True) == 1
    assert ID in (tmp_path / "a.json").read_text()
    assert hide_in_summaries(tmp_path, NAMES) == 1
    assert json.loads((tmp_path / "a.json").read_text()) == said | {"error": f"key {HIDDEN} twice"}
    assert (tmp_path / "b.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_parts_and_quarantine_are_rewritten_and_unfinished_ones_removed(tmp_path: Path) -> None:
    source = tmp_path / "raw_customers.csv"
    source.write_text(f"id,name\n{ID},{NAME}\nc2,Bo\n{ID}\n,Cy\n", encoding="utf-8")
    work_dir = tmp_path / "work"
    convert_csv(source, CONTRACTS["raw_customers"], work_dir)
    lake = work_dir / "lake" / "raw_customers"
    (lake / ".raw_customers.0.parquet.tmp").write_text(NAME)
    (work_dir / "staged").mkdir()
    (work_dir / "staged" / "x.parquet").write_text(NAME)
    names = sorted(path.name for path in lake.glob("[!.]*"))
    (part,), (bad,) = lake.glob("[!.]*"), (work_dir / "quarantine" / "raw_customers").iterdir()
    schema = pl.read_parquet_schema(part)
    assert hide_in_parts(work_dir, FORGOTTEN, is_trial=True) == 4
    assert ID in repr(pl.read_parquet(part).rows())
    assert hide_in_parts(work_dir, FORGOTTEN) == 4
    assert pl.read_parquet(part)["id"].to_list() == [FORGOTTEN.name_pseudonym(ID), "c2"]
    assert pl.read_parquet_schema(part) == schema
    assert pl.read_parquet(bad)["raw"].to_list() == [HIDDEN, ",Cy"]
    assert sorted(path.name for path in lake.iterdir()) == names
    assert list((work_dir / "staged").iterdir()) == []
    assert hide_in_parts(work_dir, FORGOTTEN) == 0


def test_part_that_cannot_be_read_is_named_with_the_cure(tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "raw_orders"
    folder.mkdir(parents=True)
    (folder / "raw_orders.x.parquet").write_text("no parquet")
    with pytest.raises(LoadError, match=r"raw_orders\.x\.parquet: cannot be read, .* Remove it"):
        hide_in_parts(tmp_path, FORGOTTEN)


def test_logs_that_name_them_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "dbt" / "logs").mkdir(parents=True)
    for place, text in {"dbt/logs/a.log": NAME, "dbt/logs/b.log": "fine", "server.log": ID, "c.log": ID}.items():
        (tmp_path / place).write_text(text, encoding="utf-8")
    places = [tmp_path / "dbt", tmp_path / "server.log", tmp_path / "none"]
    assert remove_naming(places, NAMES, is_trial=True) == 2
    assert remove_naming(places, NAMES) == 2
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.log")}
    assert left == {"dbt/logs/b.log", "c.log"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"id,name\n7,Al\n", True),
        (b"id,name\r\n17,Al\r\n77,x\n", False),
        (b'id,name\n"7";Al\n', True),
        (b"n,id\nAl,7", True),
        (b"n,id\n" + b"x" * (CHUNK - 5) + b"\n7,a", True),
        ("id,name\n7,Al\n".encode("utf-16"), True),
    ],
    ids=["field", "longer", "quoted", "at the end", "across pieces", "utf-16"],
)
def test_source_file_that_delivers_an_id_is_found(tmp_path: Path, data: bytes, expected: bool) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(data))
    assert [is_delivered_in(path, ["7", "nobody"]) for path in sorted(tmp_path.iterdir())] == [expected] * 2


def test_copies_from_s3_that_deliver_an_id_go_with_their_tags(tmp_path: Path) -> None:
    for name, text in {"raw_a.csv": "id\n7\n", "raw_b.csv": "id\n8\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / f".{name}.etag").write_text("tag")
    assert remove_copies(tmp_path, ["7"], is_trial=True) == 1
    assert remove_copies(tmp_path, ["7"]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".raw_b.csv.etag", "raw_b.csv"]
