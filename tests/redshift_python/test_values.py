"""Types and values of Python models on Redshift, without a warehouse: what is mapped, what is cast, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dbt_common.exceptions import DbtRuntimeError
from hypothesis import given
from hypothesis import strategies as st

from dbt_redshift_python.casting import cast_column
from dbt_redshift_python.columns import choose_type, read_spelled, read_type, spell_for_copy
from dbt_redshift_python.frames import take_returned
from dbt_redshift_python.settings import PythonSettings, read_settings
from dbt_redshift_python.stage import is_orphan, name_process
from dbt_redshift_python.statements import check_query, literal

NOON = datetime(2025, 6, 30, 12, 0, 0, 5)


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("BIGINT", "bigint"),
        ("int4", "integer"),
        ("double", "double precision"),
        ("Numeric( 18 , 2 )", "decimal(18,2)"),
        ("decimal", "decimal(18,0)"),
        ("varchar", "varchar(256)"),
        ("character varying(9)", "varchar(9)"),
        ("varchar(max)", "varchar(65535)"),
        ("timestamp without time zone", "timestamp"),
        ("timestamptz", "timestamptz"),
        ("varchar(0)", None),
        ("varchar(65536)", None),
        ("decimal(39,2)", None),
        ("decimal(5,6)", None),
        ("decimal(max)", None),
        ("super", None),
        ("bigint; drop table x", None),
        ("varchar(9,2)", None),
    ],
)
def test_declared_type_is_read_or_refused(declared: str, text: str | None) -> None:
    found = read_type(declared)
    assert (found.text if found else None) == text


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        (pl.UInt8(), "smallint"),
        (pl.UInt16(), "integer"),
        (pl.UInt32(), "bigint"),
        (pl.UInt64(), "decimal(20,0)"),
        (pl.Float32(), "real"),
        (pl.Decimal(7, 3), "decimal(7,3)"),
        (pl.Categorical(), "varchar(65535)"),
        (pl.Datetime("ns"), "timestamp"),
        (pl.Datetime("ms", "Europe/Berlin"), "timestamptz"),
    ],
)
def test_type_without_a_declaration_holds_every_value(dtype: pl.DataType, text: str) -> None:
    assert choose_type("c", dtype, None).text == text


@pytest.mark.parametrize("dtype", [pl.List(pl.Int64), pl.Struct({"a": pl.Int8}), pl.Time(), pl.Binary(), pl.Null()])
def test_type_that_cannot_be_mapped_names_its_column(dtype: pl.DataType) -> None:
    with pytest.raises(DbtRuntimeError, match=r"column 'parts': no type of Redshift holds values of"):
        choose_type("parts", dtype, None)
    with pytest.raises(DbtRuntimeError, match=r"column 'parts': .* the data_type 'super' that its YAML declares"):
        choose_type("parts", dtype, "super")


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        ([1.0, None], "bigint", [1, None]),
        ([1.006, -0.004], "decimal(18,2)", [Decimal("1.01"), Decimal("0.00")]),
        ([3, None], "decimal(4,1)", [Decimal("3.0"), None]),
        (["12", None], "smallint", [12, None]),
        ([None, None], "timestamptz", [None, None]),
        ([True, None], "boolean", [True, None]),
        ([date(2025, 1, 2)], "timestamp", [datetime(2025, 1, 2)]),
        ([datetime(2025, 1, 2)], "date", [date(2025, 1, 2)]),
    ],
)
def test_value_that_fits_is_cast(values: list[Any], declared: str, expected: list[Any]) -> None:
    to = read_type(declared)
    assert to is not None
    assert cast_column(pl.Series("c", values), to).to_list() == expected


@pytest.mark.parametrize(
    ("values", "declared", "said"),
    [
        ([1.0, 1.5, 2.5], "bigint", r"2 of 3 values do not fit, such as 1\.5"),
        ([40_000, 1], "smallint", r"1 of 2 values do not fit, such as 40000"),
        (["twelve"], "integer", r"1 of 1 values do not fit, such as 'twelve'"),
        ([1000.0], "decimal(4,2)", r"decimal precision 4 can't fit"),
        ([float("nan")], "decimal(4,2)", r"1 of 1 values do not fit"),
        ([NOON], "date", r"1 of 1 values do not fit"),
        ([NOON], "timestamptz", r"one has a time zone and the other has none"),
        ([NOON.replace(tzinfo=UTC)], "timestamp", r"one has a time zone and the other has none"),
        (["äb", "a"], "varchar(2)", r"1 values are longer, up to 3 bytes"),
        ([Decimal("1.5")], "bigint", r"1 of 1 values do not fit"),
        ([[1]], "varchar(9)", r"values of List\(Int64\) cannot be written"),
        ([timedelta(1)], "bigint", r"values of Duration.* cannot be written"),
    ],
)
def test_value_that_does_not_fit_names_its_column(values: list[Any], declared: str, said: str) -> None:
    to = read_type(declared)
    assert to is not None
    with pytest.raises(DbtRuntimeError, match=rf"column 'c', .* in the table: {said}"):
        cast_column(pl.Series("c", values), to)


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)), st.floats(), st.decimals("-1e10", "1e10", places=6))
def test_values_are_the_same_when_they_were_spelled(moment: datetime, number: float, amount: Decimal) -> None:
    kinds = {
        "at": pl.Datetime("us"),
        "known": pl.Datetime("us", "UTC"),
        "day": pl.Date(),
        "number": pl.Float64(),
        "amount": pl.Decimal(38, 6),
    }
    row = [moment, moment.replace(tzinfo=UTC), moment.date(), number, amount]
    frame = pl.DataFrame([row], schema=kinds, orient="row")
    spelled = frame.select(spell_for_copy(name, kind) for name, kind in kinds.items())
    assert set(spelled.dtypes) == {pl.String}
    back = spelled.with_columns(pl.col("number").cast(pl.Float64))
    assert back.select(read_spelled(name, kind) for name, kind in kinds.items()).equals(frame)


def test_infinite_numbers_are_spelled_as_redshift_reads_them() -> None:
    frame = pl.DataFrame({"n": [float("inf"), float("-inf"), None]})
    assert frame.select(spell_for_copy("n", pl.Float64()))["n"].to_list() == ["Infinity", "-Infinity", None]


@pytest.mark.parametrize(
    "make",
    [
        pl.DataFrame,
        pl.LazyFrame,
        lambda columns: pl.DataFrame(columns).to_arrow(),
        lambda columns: pl.DataFrame(columns).to_arrow().to_reader(2),
        pd.DataFrame,
    ],
    ids=["polars", "lazy", "a table of pyarrow", "a reader of pyarrow", "pandas"],
)
def test_every_kind_of_frame_is_taken(make: Callable[[Any], Any]) -> None:
    columns = {"id": [1, 2, 3], "name": ["a", None, "c"]}
    returned = take_returned(make(columns))
    assert list(returned.schema) == ["id", "name"]
    assert pl.concat(returned.frames).to_dict(as_series=False) == columns


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the model returned nothing; return a frame"),
        ([pl.DataFrame()], "a list of 1 values"),
        ("text", r"a value of type builtins\.str; return a frame"),
        (pl.DataFrame(), "returned 0 columns; a table of Redshift has 1 to 1,600"),
        (pl.DataFrame({"a": [1], "A": [1]}), "2 columns with the name 'a'"),
        (pl.DataFrame({" ": [1]}), "cannot be the name of a column"),
        (pl.DataFrame({"ä" * 64: [1]}), "cannot be the name of a column"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns with the name 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "2 columns with the name 'a'"),
        (pl.DataFrame({f"c{n}": [n] for n in range(1601)}), "returned 1,601 columns"),
    ],
)
def test_what_is_no_table_is_refused(value: Any, said: str) -> None:
    with pytest.raises(DbtRuntimeError, match=said):
        take_returned(value)


def test_literal_of_sql_holds_any_text() -> None:
    assert literal("it's a \\ 'here'") == r"'it''s a \\ ''here'''"
    assert check_query(" select ';' as a ; ") == "select ';' as a"
    with pytest.raises(DbtRuntimeError, match="a query is one statement; 0 were given"):
        check_query(" ; ")


def test_settings_are_those_of_the_environment() -> None:
    role = "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b"
    said = {"BUCKET": "my-bucket", "PREFIX": "/a/b/", "ROLE": role, "MEMORY_MB": "0.5", "DRIVER_MB": " "}
    found = read_settings({f"REDSHIFT_PYTHON_{name}": value for name, value in said.items()})
    assert found == PythonSettings("my-bucket", "a/b", role, memory_bytes=500_000)
    found.check_stage()


@pytest.mark.parametrize("number", ["-1", "much", "inf", "nan"])
def test_settings_that_are_no_number_are_refused(number: str) -> None:
    with pytest.raises(DbtRuntimeError, match="REDSHIFT_PYTHON_MEMORY_MB: expected a number"):
        read_settings({"REDSHIFT_PYTHON_MEMORY_MB": number})


def test_place_that_is_missing_or_wrong_is_listed_whole() -> None:
    with pytest.raises(DbtRuntimeError) as caught:
        PythonSettings(prefix="a'b", role="arn:aws:iam::1:user/x", kms_key_id="a'").check_stage()
    for name in ("BUCKET", "PREFIX", "ROLE", "KMS_KEY_ID"):
        assert f"REDSHIFT_PYTHON_{name}: expected" in str(caught.value)


def test_orphan_is_what_a_dead_process_left() -> None:
    now, machine, number, began = datetime.now(UTC), *name_process().split("-")
    day_ago, rest = now - timedelta(days=1), "model-0123abcd/in-1/0000_part_00.parquet"
    ours, dead = f"{machine}-{number}-{began}/{rest}", f"{machine}-{number}-{int(began) + 1}/{rest}"
    elsewhere = f"{'0' * 12}-{number}-{began}/{rest}"
    assert not is_orphan(ours, now - timedelta(days=9), day_ago), "this process lives"
    assert is_orphan(dead, now, day_ago), "another had its number"
    assert not is_orphan(elsewhere, now, day_ago)
    assert is_orphan(elsewhere, now - timedelta(days=2), day_ago)
    assert not is_orphan("notes.txt", now - timedelta(days=9), day_ago)
