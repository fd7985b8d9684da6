"""Files in a shop's own form give what the same files give in ours: values, record numbers, accounting, isolation."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.errors import DataError
from flows.lake.amounts import Marks
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.dialect import Dialect, find_encoding
from flows.lake.forms import SHIPPED_FORM, Form

COLUMNS = {
    "id": "N° commande",
    "customer": "Client",
    "ordered_at": "Date",
    "store_id": "Magasin",
    "subtotal": "Montant HT",
    "tax_paid": "TVA",
    "order_total": "Montant TTC",
}


def convert(folder: Path, data: bytes, table: str, form: Form, block_bytes: int = 1 << 20) -> Conversion:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "file.csv"
    path.write_bytes(data)
    return convert_csv(path, CONTRACTS[table], folder, form=form, block_bytes=block_bytes)


def good(conversion: Conversion) -> pl.DataFrame:
    frames = [pl.read_parquet(part.path, glob=False).drop("_file") for part in conversion.parts]
    return pl.concat(frames) if frames else pl.DataFrame()


def bad(conversion: Conversion) -> dict[int, tuple[str, str]]:
    if conversion.quarantine is None:
        return {}
    frame = pl.read_parquet(conversion.quarantine.path, glob=False)
    return {row: (reason, raw) for row, reason, raw in frame["_row", "reason", "raw"].rows()}


UNITS = Form(marks=Marks(",", ".", 2), dialect=Dialect(";"))


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12,34", 1234),
        ("1.234,56", 123456),
        ("1234,56", 123456),
        ("1.234.567", 123456700),
        ("12", 1200),
        ("12,3", 1230),
        ("0,05", 5),
        ("0", 0),
        ("9999999999999,99", 999999999999999),
    ],
)
def test_amount_in_units_is_exact_cents(tmp_path: Path, text: str, cents: int) -> None:
    conversion = convert(tmp_path, f"id;name;cost;perishable;sku\n1;a;{text};true;p\n".encode(), "raw_supplies", UNITS)
    assert good(conversion)["cost"].to_list() == [cents]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-0,05", "cost:below_min"),
        ("12,345", "cost:not_integer"),
        ("1e5", "cost:not_integer"),
        ("12.34", "cost:not_integer"),
        ("1.2345,00", "cost:not_integer"),
        ("1234.567", "cost:not_integer"),
        ("012", "cost:not_integer"),
        ("+5", "cost:not_integer"),
        ("12,", "cost:not_integer"),
        (",5", "cost:not_integer"),
        ("12,34 €", "cost:not_integer"),
        (" 12", "cost:not_integer"),
        ("", "cost:required"),
        ("NaN", "cost:not_integer"),
        ("9" * 36, "cost:overflow"),
        ("9" * 60, "cost:not_integer"),
        ("10000000000000,01", "cost:above_max"),
    ],
)
def test_amount_that_is_not_one_is_set_aside_and_its_record_kept_as_it_came(
    tmp_path: Path, text: str, reason: str
) -> None:
    data = f"id;name;cost;perishable;sku\n1;a,b;{text};true;p\n2;a;1;true;p\n".encode()
    conversion = convert(tmp_path, data, "raw_supplies", UNITS)
    assert bad(conversion) == {1: (reason, f"1;a,b;{text};true;p")}
    assert good(conversion)["cost"].to_list() == [100]


DOLLARS, EUROS = Marks(".", ",", 2, "$"), Marks(",", ".", 2, "\u00a0€")


@pytest.mark.parametrize(
    ("marks", "text", "cents"),
    [
        (DOLLARS, "$12.34", 1234),
        (DOLLARS, "12.34$", 1234),
        (DOLLARS, "12.34", 1234),
        (DOLLARS, "$0.05", 5),
        (DOLLARS, "$12", 1200),
        (DOLLARS, "$1,234,567.8", 123456780),
        (DOLLARS, "$9999999999999.99", 999999999999999),
        (EUROS, "1.234,56\u00a0€", 123456),
        (EUROS, "\u00a0€12,34", 1234),
        (Marks(".", "'", 2, "Fr. "), "Fr. 1'234.50", 123450),
        (Marks(".", "", 0, "ct"), "1234ct", 1234),
    ],
)
def test_currency_may_stand_before_or_after_an_amount(tmp_path: Path, marks: Marks, text: str, cents: int) -> None:
    form = Form(marks=marks, dialect=Dialect(";"))
    data = f"id;name;cost;perishable;sku\n1;a;{text};true;p\n2;b;1;true;p\n".encode()
    conversion = convert(tmp_path, data, "raw_supplies", form)
    assert good(conversion)["cost"].to_list() == [cents, 10**marks.money_decimals]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$12.34$", "not_integer"),
        ("$$12.34", "not_integer"),
        ("12.34$$", "not_integer"),
        ("$ 12.34", "not_integer"),
        ("12.34 $", "not_integer"),
        ("€12.34", "not_integer"),
        ("1$2.34", "not_integer"),
        ("-$12.34", "not_integer"),
        ("($12.34)", "not_integer"),
        ("$12.345", "not_integer"),
        ("$012", "not_integer"),
        ("$", "not_integer"),
        ("$-12.34", "below_min"),
        ("$10000000000000.01", "above_max"),
    ],
)
def test_amount_with_a_currency_that_is_not_one_is_set_aside_as_it_came(tmp_path: Path, text: str, reason: str) -> None:
    form = Form(marks=DOLLARS, dialect=Dialect(";"))
    data = f"id;name;cost;perishable;sku\n1;a;{text};true;p\n2;a;$1;true;p\n".encode()
    conversion = convert(tmp_path, data, "raw_supplies", form)
    assert bad(conversion) == {1: (f"cost:{reason}", f"1;a;{text};true;p")}
    assert conversion.found == {f"cost:{reason}": text}
    assert good(conversion)["cost"].to_list() == [100]


def test_currency_is_no_part_of_a_number_that_is_not_money(tmp_path: Path) -> None:
    form = Form(marks=DOLLARS, dialect=Dialect(";"))
    data = b"store_id;supply_id;counted_at;unit_count\ns;f;2025-01-03T08:00:00;$3\ns;f;2025-01-03T08:00:00;3\n"
    conversion = convert(tmp_path, data, "raw_stock_counts", form)
    assert bad(conversion) == {1: ("unit_count:not_integer", "s;f;2025-01-03T08:00:00;$3")}
    stores = b"id;name;opened_at;tax_rate\n1;a;2025-01-03T08:00:00;$0.2\n2;b;2025-01-03T08:00:00;0.2\n"
    assert list(bad(convert(tmp_path / "stores", stores, "raw_stores", form))) == [1]


def test_currency_changes_what_a_form_means_and_none_changes_nothing() -> None:
    plain, dollars = (Form(marks=Marks(".", ",", 2, currency)) for currency in ("", "$"))
    assert plain.sha256 == Form(marks=Marks(".", ",", 2)).sha256
    assert len({plain.sha256, dollars.sha256, Form(marks=EUROS).sha256}) == 3


def test_money_of_two_decimals_without_a_profile_of_units_stays_refused(tmp_path: Path) -> None:
    form = Form(dialect=Dialect(";"), marks=Marks(","))
    data = b"id;name;cost;perishable;sku\n1;a;12,34;true;p\n2;a;1234;true;p\n"
    assert list(bad(convert(tmp_path, data, "raw_supplies", form))) == [1]


@pytest.mark.parametrize(
    ("spelling", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M", "03/02/2025 14:05", "2025-02-03 14:05:00"),
        ("%m/%d/%Y %I:%M %p", "03/02/2025 02:05 PM", "2025-03-02 14:05:00"),
        ("%-m/%-d/%Y %-I:%M %p", "3/2/2025 2:05 PM", "2025-03-02 14:05:00"),
        ("%d.%m.%Y", "03.02.2025", "2025-02-03 00:00:00"),
        ("%d.%m.%y %H:%M:%S", "03.02.25 14:05:06", "2025-02-03 14:05:06"),
        ("%Y;%m;%d", '"2025;02;03"', "2025-02-03 00:00:00"),
        ("%Y%m%d", "20250203", "2025-02-03 00:00:00"),
    ],
)
def test_timestamp_is_read_as_the_profile_spells_it(tmp_path: Path, spelling: str, text: str, expected: str) -> None:
    form = Form(dialect=Dialect(";"), timestamps=(spelling,))
    data = f"store_id;supply_id;counted_at;unit_count\ns;u;{text};1\n".encode()
    conversion = convert(tmp_path, data, "raw_stock_counts", form)
    assert good(conversion)["counted_at"].dt.to_string("%Y-%m-%d %H:%M:%S").to_list() == [expected], bad(conversion)


@pytest.mark.parametrize("text", ["2025-02-03T14:05:00", "31/02/2025 10:00", "3/2/2025 10:00", "03/02/25 10:00"])
def test_timestamp_of_another_spelling_is_set_aside(tmp_path: Path, text: str) -> None:
    form = Form(dialect=Dialect(";"), timestamps=("%d/%m/%Y %H:%M",))
    data = f"store_id;supply_id;counted_at;unit_count\ns;u;{text};1\n".encode()
    assert bad(convert(tmp_path, data, "raw_stock_counts", form))[1][0] == "counted_at:not_timestamp"


def test_byte_without_a_meaning_costs_its_own_record_only_and_is_spelled_in_quarantine(tmp_path: Path) -> None:
    form = Form(dialect=Dialect(";", '"', "cp1252"))
    conversion = convert(tmp_path, b"id;name\n1;caf\xe9\n2;\x81\xe9\n3;\x80;\x9d\n4;\x9c\n", "raw_customers", form)
    assert good(conversion)["name"].to_list() == ["café", "œ"]
    assert bad(conversion) == {2: ("record:encoding", "2;\\x81é"), 3: ("record:field_count", "3;€;\\x9d")}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "shift_jis", "gb18030"])
def test_encoding_of_several_bytes_a_character_is_read_in_small_blocks(tmp_path: Path, encoding: str) -> None:
    rows = (
        "".join(f'{i};"é{i};x"\r\n' for i in range(200))
        if encoding != "shift_jis"
        else "".join(f"{i};かな{i}\r\n" for i in range(200))
    )
    conversion = convert(
        tmp_path, f"id;name\r\n{rows}".encode(encoding), "raw_customers", Form(dialect=Dialect(";", '"', encoding)), 64
    )
    assert (conversion.rows_in, conversion.rows_loaded) == (200, 200)
    assert good(conversion)["id"].to_list() == [str(i) for i in range(200)]


def test_file_of_another_encoding_than_the_profile_says_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="begins with the mark of utf-8, so encoding = "):
        convert(tmp_path, b"\xef\xbb\xbfid;name\n1;x\n", "raw_customers", Form(dialect=Dialect(";", '"', "cp1252")))
    with pytest.raises(DataError, match=r"it is not utf-16.*Correct encoding in the profile"):
        convert(tmp_path, b"id;name\n1;x\n1", "raw_customers", Form(dialect=Dialect(";", '"', "utf-16")))


def test_column_that_the_profile_names_and_the_header_lacks_is_named_by_both_names(tmp_path: Path) -> None:
    form = Form(dialect=Dialect(";"), columns={"id": "Numéro", "name": "Nom"})
    with pytest.raises(DataError, match=r"lacks: 'Numéro' \(our id\)\. Found: 'No', 'Nom'"):
        convert(tmp_path, b"No;Nom\n1;x\n", "raw_customers", form)


def test_column_of_our_name_that_means_something_else_must_be_left_out(tmp_path: Path) -> None:
    form, data = Form(columns={"id": "number"}), b"id,number,name\n7,1,x\n"
    with pytest.raises(DataError, match="unknown: 'id of the file'"):
        convert(tmp_path, data, "raw_customers", form)
    left = Form(columns={"id": "number"}, leave_out=frozenset({"id"}))
    conversion = convert(tmp_path, data, "raw_customers", left)
    assert (good(conversion)["id"].to_list(), conversion.extra_columns) == (["1"], ())


def test_one_column_may_be_two_of_ours_and_a_constant_stand_for_what_lacks(tmp_path: Path) -> None:
    form = Form(
        dialect=Dialect(";", "'"),
        marks=Marks(",", "", 2),
        columns={"subtotal": "total", "order_total": "total"},
        constants={"tax_paid": "0,00", "store_id": "s;1"},
    )
    data = b"id;customer;ordered_at;total\n1;'a;''b\"';2025-01-01T00:00:00;12,5\n"
    row = good(convert(tmp_path, data, "raw_orders", form)).to_dicts()[0]
    assert (row["customer"], row["store_id"]) == ("a;'b\"", "s;1")
    assert (row["subtotal"], row["tax_paid"], row["order_total"]) == (1250, 0, 1250)


def test_encodings_that_files_are_not_written_in_are_none() -> None:
    assert [find_encoding(name) for name in ("base64", "idna", "unicode_escape", "utf-7", "x", "\0")] == [None] * 6
    assert find_encoding("Windows-1252") == "cp1252"


DIALECTS = st.builds(
    Dialect,
    st.sampled_from([";", "\t", "|", "~", ","]),
    st.sampled_from(['"', "'"]),
    st.sampled_from(["utf-8", "cp1252", "iso8859-1", "utf-16", "iso8859-15"]),
)
NAMES = st.text(st.sampled_from("ab é,;|'\"\t~.\n0"), min_size=1, max_size=6).filter(lambda name: "\r" not in name)
RECORDS = st.lists(
    st.tuples(NAMES, st.integers(0, 99_999_999), st.integers(0, 3), st.integers(0, 40_000_000), st.integers(0, 9)),
    min_size=1,
    max_size=30,
)


def quote(text: str, delimiter: str, mark: str) -> str:
    needs = any(each in text for each in (delimiter, mark, "\n", '"', "'"))
    return mark + text.replace(mark, mark * 2) + mark if needs else text


def spell_amount(cents: int, decimal: str, thousands: str) -> str:
    whole = f"{cents // 100:,}".replace(",", thousands) if thousands else str(cents // 100)
    return f"{whole}{decimal}{cents % 100:02}"


@settings(max_examples=60, deadline=None)
@given(
    dialect=DIALECTS,
    marks=st.sampled_from([(",", "."), (",", ""), (".", "'"), (".", ","), (",", " ")]),
    records=RECORDS,
    block_bytes=st.sampled_from([97, 1000, 1 << 20]),
    packed=st.booleans(),
)
def test_foreign_form_gives_what_the_shipped_form_gives(
    tmp_path_factory: pytest.TempPathFactory,
    dialect: Dialect,
    marks: tuple[str, str],
    records: list[tuple[str, int, int, int, int]],
    block_bytes: int,
    packed: bool,
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    decimal, thousands = marks if marks[1] != dialect.quote else (marks[0], "")
    ours, theirs = [",".join(COLUMNS)], [dialect.delimiter.join(COLUMNS.values())]
    for number, (customer, cents, tax, minutes, fault) in enumerate(records, 1):
        moment = datetime(2000, 1, 1) + timedelta(seconds=minutes)
        amounts = [cents, tax, cents + tax + (fault == 0)]
        short = 1 if fault == 1 else 0
        own = [str(number), quote(customer, ",", '"'), moment.isoformat(), "s", *map(str, amounts)]
        shop = [
            str(number),
            quote(customer, dialect.delimiter, dialect.quote),
            moment.strftime("%d/%m/%Y %H:%M:%S"),
            "s",
            *(quote(spell_amount(amount, decimal, thousands), dialect.delimiter, dialect.quote) for amount in amounts),
        ]
        ours.append(",".join(own[: len(own) - short]))
        theirs.append(dialect.delimiter.join(shop[: len(shop) - short]))
    form = Form(
        dialect,
        Marks(decimal, thousands, 2),
        timestamps=("%d/%m/%Y %H:%M:%S",),
        columns=COLUMNS,
    )
    text = "\n".join(theirs) + "\n"
    data = text.encode(dialect.encoding)
    expected = convert(folder / "ours", ("\n".join(ours) + "\n").encode(), "raw_orders", SHIPPED_FORM, block_bytes)
    found = convert(folder / "theirs", gzip.compress(data) if packed else data, "raw_orders", form, block_bytes)
    assert_frame_equal(good(found), good(expected))
    assert (found.rows_in, found.rows_loaded, found.reasons) == (
        expected.rows_in,
        expected.rows_loaded,
        expected.reasons,
    )
    assert {row: reason for row, (reason, _) in bad(found).items()} == {
        row: reason for row, (reason, _) in bad(expected).items()
    }
    for _, raw in bad(found).values():
        assert f"\n{raw}\n" in text


def test_repeated_header_of_a_foreign_file_is_told_apart(tmp_path: Path) -> None:
    form = Form(dialect=Dialect(";"), columns={"id": "N°, client", "name": "Nom"}, leave_out=frozenset({"Ville"}))
    data = "N°, client;Nom;Ville\n1;a;x\nN°, client;Nom;Ville\n2;b;y\n".encode()
    conversion = convert(tmp_path, data, "raw_customers", form)
    assert good(conversion)["id"].to_list() == ["1", "2"]
    assert bad(conversion) == {2: ("record:repeated_header", "N°, client;Nom;Ville")}
