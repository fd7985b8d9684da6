"""What a Python model reads of Redshift and cannot be taken as it came: each answer is refused by its column or figure.

The server is a list of answers: it stands for what the stand-in, and a sound Redshift, do not say.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt_redshift_python.reading import Reader, _check_file, list_columns
from dbt_redshift_python.settings import MB, PythonSettings
from dbt_redshift_python.stage import Stage

BIGINT, VARCHAR, NUMERIC, SUPER = 20, 1043, 1700, 4000


@dataclass
class Server:
    """Columns of every query as name, number of the type and its modifier; the rows it counts, and those it sends."""

    columns: list[tuple[str, int, int]]
    counted: int = 0
    sent: int = 0

    def run(self, sql: str) -> Any:  # noqa: ARG002  as Statements is called
        keys = ("label", "type_oid", "type_modifier")
        return SimpleNamespace(ps={"row_desc": [dict(zip(keys, each, strict=True)) for each in self.columns]})

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return [(self.counted, 0)] if "count(*)" in sql else [(1,)] * self.sent


def reader(*columns: tuple[str, int, int], counted: int = 0, sent: int = 0, memory_mb: float = 1) -> Reader:
    def open_stage() -> Stage:
        raise AssertionError("nothing is unloaded")

    return Reader(Server(list(columns), counted, sent), PythonSettings(), open_stage, int(memory_mb * MB))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([("id", BIGINT, -1), ("parts", SUPER, -1)], r"column 'parts': its type, number 4000 .*Cast it in a query"),
        ([("amount", NUMERIC, -1)], r"column 'amount': the server does not tell the digits.*cast\(amount as decimal"),
        ([("a", BIGINT, -1), ("a", VARCHAR, 9)], r"two columns of a query have the name 'a'; give one of them another"),
    ],
)
def test_column_that_cannot_be_read_is_named_with_the_cure(columns: list[tuple[str, int, int]], said: str) -> None:
    with pytest.raises(DbtRuntimeError, match=said):
        reader(*columns).describe("select 1")


def test_digits_of_a_decimal_are_those_that_the_server_tells() -> None:
    modifier = (18 << 16 | 2) + 4
    assert reader(("amount", NUMERIC, modifier)).describe("select 1") == {"amount": pl.Decimal(18, 2)}


def test_rows_that_were_counted_and_did_not_come_fail_the_model() -> None:
    with pytest.raises(DbtRuntimeError, match=r"3 rows were counted and 2 read; nothing was written\. Run again"):
        reader(("id", BIGINT, -1), counted=3, sent=2).read("select 1")


def test_what_a_model_reads_adds_up_to_its_limit() -> None:
    held = reader(("id", BIGINT, -1), counted=1000, sent=1000, memory_mb=0.012)
    assert held.read("select 1").height == 1000
    with pytest.raises(DbtRuntimeError, match=r"1000 rows of 1 columns .* that the model has read before; 0\.0 MB are"):
        held.read("select 1")


def test_batch_of_no_rows_and_a_selection_of_nothing_are_refused() -> None:
    with pytest.raises(DbtRuntimeError, match="a batch of 0 rows was asked for; a batch has 1 or more"):
        reader(("id", BIGINT, -1)).read_batches("select 1", 0)
    with pytest.raises(DbtRuntimeError, match=r"select\(\) was given no column"):
        list_columns([" "])


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"id": [1]}, "column 'name': UNLOAD wrote nothing where String was asked for"),
        ({"id": [1.5], "name": ["a"]}, "column 'id': UNLOAD wrote Float64 where Int64 was asked for"),
    ],
)
def test_unloaded_file_of_other_columns_is_refused_by_the_first(file: dict[str, Any], said: str) -> None:
    with pytest.raises(DbtRuntimeError, match=said):
        _check_file(pl.DataFrame(file), {"id": pl.Int64(), "name": pl.String()})


def test_keys_that_expire_are_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that gives keys (AWS SDKs: "Process credential provider") whose time is all but over."""
    keys = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
    script, asked = tmp_path / "keys.py", tmp_path / "asked"
    script.write_text(
        "import datetime, json, pathlib\n"
        f"pathlib.Path({str(asked)!r}).open('a').write('x')\n"
        "until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)\n"
        f"print(json.dumps({json.dumps(keys)} | {{'Expiration': until.isoformat()}}))\n",
        encoding="utf-8",
    )
    config = tmp_path / "config"
    config.write_text(
        f"[default]\nregion = eu-west-1\ncredential_process = {sys.executable} {script}\n", encoding="utf-8"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    stage = Stage(PythonSettings(bucket="my-bucket", role="default"), "model")
    before = len(asked.read_text(encoding="utf-8"))
    signer = stage._client._request_signer
    assert signer._credentials.get_frozen_credentials().access_key == "a"
    assert len(asked.read_text(encoding="utf-8")) > before
