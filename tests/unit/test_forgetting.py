"""Whoever is forgotten is known again by keyed digests alone, and never written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.dialect import Dialect
from flows.lake.forgetting import HIDDEN, NOBODY, PSEUDONYM, Forgotten, label_of
from flows.lake.forms import Form
from flows.lake.terms import Terms

KEY = b"k" * 32
ADA, ADAS_NAME = "cust-7d1f", "Ada Lovelace-Byron"
EMPTY = Forgotten(KEY)
FORGOTTEN = Forgotten(KEY, EMPTY.describe(ADA, [ADAS_NAME]))
PSEUDONYM_OF_ADA = FORGOTTEN.name_pseudonym(ADA)
CUSTOMERS, ORDERS = "id,name", "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total"
REFUNDS = "id,order_id,item_id,refunded_at,amount,tax_amount,reason"


def convert(folder: Path, table: str, *lines: str, forgotten: Forgotten = FORGOTTEN) -> Conversion:
    path = folder / f"{table}.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return convert_csv(path, CONTRACTS[table], folder / "out", terms=Terms(forgotten=forgotten), block_bytes=200)


def read_good(conversion: Conversion) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(part.path, glob=False) for part in conversion.parts)


def read_bad(conversion: Conversion) -> list[tuple[int, str, str]]:
    assert conversion.quarantine is not None
    return pl.read_parquet(conversion.quarantine.path, glob=False).select("_row", "reason", "raw").rows()


def test_customer_record_of_a_forgotten_one_is_converted_under_a_pseudonym(tmp_path: Path) -> None:
    converted = convert(tmp_path, "raw_customers", CUSTOMERS, "c1,Bo", f"{ADA},{ADAS_NAME}", f"c2,{ADAS_NAME}")
    expected = [("c1", "Bo"), (PSEUDONYM_OF_ADA, label_of(PSEUDONYM_OF_ADA)), ("c2", ADAS_NAME)]
    assert read_good(converted).sort("_row").select("id", "name").rows() == expected
    assert (converted.rows_in, converted.rows_loaded, converted.rows_quarantined) == (3, 3, 0)


def test_orders_of_a_forgotten_one_stay_in_every_block_under_one_pseudonym(tmp_path: Path) -> None:
    orders = [f"o{n},{ADA if n % 3 else 'c1'},2026-03-01T10:00:00,s1,1000,60,1060" for n in range(60)]
    good = read_good(convert(tmp_path, "raw_orders", ORDERS, *orders)).sort("_row")
    assert good["customer"].to_list() == [PSEUDONYM_OF_ADA if n % 3 else "c1" for n in range(60)]
    assert good["id"].to_list() == [f"o{n}" for n in range(60)]


def test_nothing_changes_for_a_table_that_names_no_customer(tmp_path: Path) -> None:
    line = f"p1,{ADAS_NAME},jaffle,1000,warm"
    good = read_good(convert(tmp_path, "raw_products", "sku,name,type,price,description", line))
    assert good["name"].to_list() == [ADAS_NAME]


def test_file_in_the_form_of_a_shop_hides_them_too(tmp_path: Path) -> None:
    path, contract = tmp_path / "export.csv", CONTRACTS["raw_customers"]
    path.write_text(f"Name;Kunde\n{ADAS_NAME};{ADA}\nBo;c1\n;{ADA}\n", encoding="utf-8")
    form = Form(dialect=Dialect(delimiter=";"), columns={"id": "Kunde", "name": "Name"})
    converted = convert_csv(path, contract, tmp_path / "out", terms=Terms(forgotten=FORGOTTEN), form=form)
    assert read_good(converted).sort("_row").select("id", "name").rows() == [
        (PSEUDONYM_OF_ADA, label_of(PSEUDONYM_OF_ADA)),
        ("c1", "Bo"),
    ]
    assert read_bad(converted) == [(3, "name:required", HIDDEN)]


@pytest.mark.parametrize(
    "record",
    [
        f"{ADA},",
        f"{ADA}",
        f",{ADAS_NAME}",
        f'{ADA},"{ADAS_NAME}"x',
        f"{ADA.upper()},{ADAS_NAME},too many",
        f" ,{ADA}|x,",
    ],
)
def test_text_of_a_bad_record_that_names_a_forgotten_one_is_gone_and_its_reason_stays(
    tmp_path: Path, record: str
) -> None:
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    records = (CUSTOMERS, "c1,Bo", record, ",Cy")
    before = convert(tmp_path / "before", "raw_customers", *records, forgotten=NOBODY)
    after = convert(tmp_path / "after", "raw_customers", *records)
    was, now = read_bad(before), read_bad(after)
    assert [each[:2] for each in now] == [each[:2] for each in was]
    assert [each[2] for each in now] == [HIDDEN, ",Cy"]
    assert after.reasons == before.reasons


def test_reason_of_a_refund_that_names_a_forgotten_one_is_hidden_and_others_stay(tmp_path: Path) -> None:
    said = ["cold", f"ada  LOVELACE-byron did not like it ({ADA})", "late", f"see {ADA}.", "", "ada lovelace"]
    records = [f"r{n},o1,,2026-03-01T10:00:00,10,1,{reason}" for n, reason in enumerate(said)]
    good = read_good(convert(tmp_path, "raw_refunds", REFUNDS, *records)).sort("_row")
    assert good["reason"].to_list() == ["cold", HIDDEN, "late", HIDDEN, None, "ada lovelace"]


def test_short_id_is_known_as_a_whole_field_but_not_as_a_word_of_a_text() -> None:
    short = Forgotten(KEY, EMPTY.describe("7", ["Al"]))
    assert short.is_named_in("o1,7,2026-03-01")
    assert short.is_named_in('x;"Al";y')
    assert not short.is_named_in("waited 7 minutes, said Al Gore")


def test_pseudonym_needs_the_key_and_is_never_forgotten_itself() -> None:
    assert PSEUDONYM.match(PSEUDONYM_OF_ADA)
    assert Forgotten(b"another").name_pseudonym(ADA) != PSEUDONYM_OF_ADA
    frame = pl.DataFrame({"id": [PSEUDONYM_OF_ADA], "name": ["x"]})
    assert FORGOTTEN.hide_records(frame, CONTRACTS["raw_customers"]).equals(frame)


def test_key_and_digests_tell_neither_id_nor_name_nor_key() -> None:
    assert NOBODY.mentions == frozenset()
    said = repr(FORGOTTEN)
    assert not any(each in said for each in (ADA, ADAS_NAME, repr(KEY), KEY.hex()))


@given(st.lists(st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip())), min_size=1, max_size=4))
def test_every_id_and_name_is_found_as_a_field(texts: list[str]) -> None:
    forgotten = Forgotten(KEY, EMPTY.describe(texts[0], texts[1:]))
    assert all(forgotten.is_named_in(text) for text in texts)
