"""Python models on Redshift as the flows run them: through prefect-dbt, with the keys and the place of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect import flow
from prefect_aws import AwsCredentials

from flows.marts.runner import invoke_dbt
from flows.run.settings import load_settings
from tests.redshift_python.project import write_project
from tests.redshift_python.runs import list_keys, prepare_schema
from tests.warehouse.redshift import Redshift

MODELS = {
    "read.py": """
        def model(dbt, session):
            return session.sql("select a, b from data_mart.plain").pl()
    """,
    "after.sql": "select max(a) as a from {{ ref('read') }}",
}


def test_model_runs_between_sql_models_with_the_keys_of_a_block(
    prefect_server: None, redshift: Redshift, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    standin = redshift.standin
    assert standin is not None
    prepare_schema(standin)
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": standin.region}
    AwsCredentials(**keys).save("retail-python", overwrite=True)  # type: ignore[arg-type]
    monkeypatch.setenv("RETAIL_AWS_CREDENTIALS_BLOCK", "retail-python")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("RETAIL_DBT_PROJECT_DIR", str(write_project(tmp_path / "small", MODELS)))
    settings = load_settings(target="redshift")

    @flow
    def build() -> None:
        invoke_dbt(["build"], settings)

    build()
    assert standin.run("select a from data_mart.after") == [(1,)]
    copied = [sql for sql in standin.log if sql.startswith("copy ")]
    assert len(copied) == 1
    assert f"s3://{standin.bucket}/retail-pipeline/" in copied[0]
    assert "/python-models/" in copied[0]
    assert list_keys(standin) == []
    assert not any("testing" in sql for sql in standin.log)
