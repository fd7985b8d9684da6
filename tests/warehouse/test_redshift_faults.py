"""What goes wrong on the way to Redshift: rows exactly once, the ledger true, and words that name the cure."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import CONTRACTS
from flows.warehouse.ledger import Version
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import RELATION_GONE, SERIALIZATION_FAILURE, Fault, RedshiftStandin, S3Fault

CUSTOMERS = CONTRACTS["raw_customers"]
OLD, NEW = "id,name\na,Ada\nb,Bo\n", "id,name\na,Anna\nc,Cy\nd,Di\n"
ROWS = 'select id, name from "raw".raw_customers order by id'


def copies(standin: RedshiftStandin) -> int:
    return sum(statement.lower().startswith("copy") for statement in standin.log)


@pytest.mark.parametrize("when", ["before", "during", "after"])
@pytest.mark.parametrize(
    "statement",
    [
        "^copy",
        "^commit",
        "^create temporary",
        "^update .*load_fence",
        '^delete from "raw"',
        '^delete from "ops"."load_ledger"',
        '^insert into "ops"."load_ledger"',
        '^insert into "raw"',
        '^insert into "ops"."replaced_raw',
        '^delete from "ops"."replaced_raw',
        "^select _file, count",
    ],
)
def test_connection_lost_at_any_statement_files_are_loaded_exactly_once(
    redshift: Redshift,
    warehouse: RedshiftWarehouse,
    standin: RedshiftStandin,
    tmp_path: Path,
    statement: str,
    when: str,
) -> None:
    warehouse.load_files(CUSTOMERS, [convert(tmp_path / "old", OLD)], "run-1")
    new = convert(tmp_path / "new", NEW)
    warehouse.note_deliveries([Version.of(new)], "run-1")
    standin.faults.add(Fault("drop", when, statement=statement))  # type: ignore[arg-type]
    (entry,) = warehouse.load_files(CUSTOMERS, [new], "run-1")
    assert len(standin.faults.fired) == 1
    assert redshift.run(ROWS) == [("a", "Anna"), ("c", "Cy"), ("d", "Di")]
    assert redshift.run("select id, name from ops.replaced_raw_customers") == [("b", "Bo")]
    assert warehouse.read_ledger() == [entry]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["^commit", '^insert into "ops"."deliveries"', "^update .*load_fence"])
def test_connection_lost_while_deliveries_are_noted_each_is_noted_once(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, statement: str, when: str
) -> None:
    versions = [Version("raw_items", f"raw_items_{number}.csv", "0" * 64) for number in range(3)]
    standin.faults.add(Fault("drop", when, statement=statement))  # type: ignore[arg-type]
    noted = warehouse.note_deliveries(versions, "run-1")
    assert len(standin.faults.fired) == 1
    assert len({row.delivered_at for row in noted}) == 1
    found = redshift.run("select file_name, delivered_at from ops.deliveries order by file_name")
    assert found == [(row.file_name, row.delivered_at) for row in noted]


def test_note_deliveries_more_than_one_statement_can_bind_are_all_noted(
    redshift: Redshift, warehouse: RedshiftWarehouse
) -> None:
    versions = [Version("raw_items", f"raw_items_{number}.csv", "0" * 64) for number in range(6000)]
    warehouse.note_deliveries(versions, "run-1")
    assert redshift.run("select count(distinct file_name), count(*) from ops.deliveries") == [(6000, 6000)]


@pytest.mark.parametrize("fault", [SERIALIZATION_FAILURE, RELATION_GONE])
@pytest.mark.parametrize("statement", ["^copy", '^insert into "raw"', "^commit"])
def test_transient_error_is_followed_by_another_try(
    redshift: Redshift,
    warehouse: RedshiftWarehouse,
    standin: RedshiftStandin,
    tmp_path: Path,
    fault: Fault,
    statement: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversion = convert(tmp_path, OLD)
    warehouse.note_deliveries([Version.of(conversion)], "run-1")
    standin.faults.add(fault.on(statement, times=2))
    warehouse.load_files(CUSTOMERS, [conversion], "run-1")
    assert redshift.run(ROWS) == [("a", "Ada"), ("b", "Bo")]
    assert "attempt 3 of 5 follows" in caplog.text


def test_outage_that_lasts_fails_the_load_and_leaves_the_last_good_state(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path
) -> None:
    (before,) = warehouse.load_files(CUSTOMERS, [convert(tmp_path / "old", OLD)], "run-1")
    standin.faults.add(Fault("drop", "during", statement="^copy", times=5))
    with pytest.raises(LoadError, match="the last good state stands"):
        warehouse.load_files(CUSTOMERS, [convert(tmp_path / "new", NEW)], "run-1")
    assert redshift.run(ROWS) == [("a", "Ada"), ("b", "Bo")]
    assert warehouse.read_ledger() == [before]


def test_copy_role_that_is_not_allowed_is_told_once_with_the_cure(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path
) -> None:
    warehouse = open_redshift(copy_role="arn:aws:iam::123456789012:role/other")
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        with pytest.raises(LoadError) as error:
            warehouse.load_files(CUSTOMERS, [convert(tmp_path, OLD)], "run-1")
    warehouse.close()
    assert "COPY failed for raw_customers.csv. Redshift says:" in str(error.value)
    assert "not authorized to assume IAM Role" in str(error.value)
    assert "RETAIL_REDSHIFT_COPY_ROLE" in str(error.value)
    assert copies(standin) == 1, "an error of the data or the rights is never tried again"
    assert redshift.run(ROWS) == []


def test_copy_of_parts_that_do_not_fit_shows_what_sys_load_error_detail_has(
    redshift: Redshift,
    warehouse: RedshiftWarehouse,
    standin: RedshiftStandin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pre-flight would have seen it; without it Redshift's own words and its error table must do."""
    monkeypatch.setattr("flows.warehouse.redshift.staging.check_part", lambda *_given: None)
    monkeypatch.setattr("flows.warehouse.redshift.copy_command.staged_columns", narrowed)
    with pytest.raises(LoadError) as error:
        warehouse.load_files(CUSTOMERS, [convert(tmp_path, "id,name\na,Ada Lovelace\n")], "run-1")
    assert copies(standin) == 1
    detail = str(error.value).splitlines()[1]
    assert detail.startswith("  - s3://")
    assert "column name" in detail


def narrowed(contract: object) -> dict[str, str]:
    return {"id": "varchar(64)", "name": "varchar(3)", "_file": "varchar(1024)", "_row": "bigint"}


def test_workgroup_that_wakes_slowly_is_waited_for(redshift: Redshift, standin: RedshiftStandin) -> None:
    standin.faults.add(Fault("drop", "connect", times=3))
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()
    assert len(standin.faults.fired) == 3


def test_warehouse_that_does_not_answer_is_given_up_in_time(
    redshift: Redshift, standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_PORT", "1")
    monkeypatch.setenv("RETAIL_REDSHIFT_CONNECT_SECONDS", "2")
    warehouse, start = open_redshift(attempts=1), time.monotonic()
    with pytest.raises(LoadError, match=r"did not answer for 2 s .* Is the address right"):
        warehouse.hold("run-1").__enter__()
    assert time.monotonic() - start < 10


def test_failing_s3_is_repeated(
    redshift: Redshift, standin: RedshiftStandin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", standin.faulty_s3_endpoint)
    standin.faults.add(S3Fault("error", method="PUT", key=r"\.parquet$", times=2))
    standin.faults.add(S3Fault("error", method="PUT", key=r"\.json$", status=500, code="InternalError"))
    standin.faults.add(S3Fault("reset", "after", method="PUT", key=r"\.json$"))
    warehouse = open_redshift()
    with warehouse.hold("run-1"):
        warehouse.prepare(CONTRACTS.values())
        warehouse.load_files(CUSTOMERS, [convert(tmp_path, OLD)], "run-1")
    warehouse.close()
    assert len(standin.faults.fired) == 4
    assert redshift.run(ROWS) == [("a", "Ada"), ("b", "Bo")]


def test_bucket_that_does_not_exist_is_a_configuration_error(
    redshift: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_S3_BUCKET", "no-such-bucket-here")
    warehouse = open_redshift()
    with warehouse.hold("run-1"), pytest.raises(ConfigError, match="RETAIL_S3_BUCKET"):
        warehouse.prepare(CONTRACTS.values())
    warehouse.close()


def test_staged_objects_are_gone_after_the_load_and_orphans_are_swept(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path
) -> None:
    prefix = warehouse._stage.settings.prefix
    orphan, foreign = f"{prefix}/parts/{'0' * 64}.parquet", f"{prefix}/parts/mine.parquet"
    for key in (orphan, foreign):
        standin.s3.put_object(Bucket=standin.bucket, Key=key, Body=b"x")
    warehouse.load_files(CUSTOMERS, [convert(tmp_path, OLD)], "run-1")
    assert keys(standin) == [orphan, foreign]
    warehouse.prepare(CONTRACTS.values())
    assert keys(standin) == [foreign], "what no run names so is nobody's to remove"


def test_manifest_names_each_part_as_mandatory_with_its_length(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path
) -> None:
    conversion = convert(tmp_path, OLD)
    stage = warehouse._stage
    staged = stage.write_manifest(stage.store(conversion.parts))
    key = staged.manifest_url.removeprefix(f"s3://{standin.bucket}/")
    manifest = standin.s3.get_object(Bucket=standin.bucket, Key=key)["Body"].read().decode()
    (part,) = conversion.parts
    url = f"s3://{standin.bucket}/{warehouse._stage.settings.prefix}/parts/{part.sha256}.parquet"
    entry = f'{{"url": "{url}", "mandatory": true, "meta": {{"content_length": {part.size}}}}}'
    assert manifest == f'{{"entries": [{entry}]}}'
    assert stage.write_manifest(stage.store(conversion.parts)) == staged, "the same again has the same names"


def test_part_is_sent_with_its_checksum_for_s3_to_compare(
    redshift: Redshift, warehouse: RedshiftWarehouse, tmp_path: Path
) -> None:
    """moto does not compare it; S3 refuses a part that differs (API: PutObject, BadDigest)."""
    (part,) = convert(tmp_path, OLD).parts
    sent: list[str] = []

    def note(request: Any, **_other: Any) -> None:
        sent.append(request.headers["x-amz-checksum-sha256"].decode())

    warehouse._stage._client.meta.events.register("before-send.s3.PutObject", note)
    warehouse._stage.store([part])
    assert sent[0] == base64.b64encode(bytes.fromhex(part.sha256)).decode()


def keys(standin: RedshiftStandin) -> list[str]:
    return [item["Key"] for item in standin.s3.list_objects_v2(Bucket=standin.bucket).get("Contents", [])]
