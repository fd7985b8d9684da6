"""dbt-redshift on the Redshift stand-in: a small project of what dbt can do beyond what ours does today.

dbt is started once, in a process of its own, and runs one command after the other. Our own project is built on the
stand-in by `tests/flows/test_redshift_pipeline.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.warehouse.redshift_standin import RedshiftStandin

FEATURES = {
    "dbt_project.yml": """
        name: features
        version: "1.0.0"
        config-version: 2
        profile: retail
        flags: {send_anonymous_usage_stats: false}
        seeds: {+column_types: {id: bigint, name: varchar(8)}}
        models: {+persist_docs: {relation: true, columns: true}}
    """,
    "seeds/people.csv": "id,name\\n1,Ada\\n2,Bo\\n",
    "models/changes.sql": """
        {{ config(materialized='table', dist='id', sort=['id', 'name'], grants={'select': ['reader']}) }}
        select id, case when {{ var('day') }} = 2 and id = 2 then 'Bob' else name end as name
        from {{ ref('people') }}
        {% if var('day') == 2 %} union all select 3, 'Cy' {% endif %}
    """,
    "models/late.sql": "{{ config(materialized='view', bind=false) }} select id, name from {{ ref('changes') }}",
    "models/by_delete.sql": """
        {{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='id', dist='all') }}
        select id, name from {{ ref('changes') }}
        {% if is_incremental() %} where id >= 2 {% endif %}
    """,
    "models/by_merge.sql": """
        {{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', sort='id') }}
        select id, name from {{ ref('changes') }}
    """,
    "models/by_append.sql": """
        {{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}
        select id {% if var('day') == 2 %}, cast('new' as varchar(3)) as added {% endif %} from {{ ref('changes') }}
    """,
    "models/schema.yml": """
        models:
          - name: changes
            description: It's a table.
            config: {contract: {enforced: true}}
            constraints: [{type: primary_key, columns: [id]}]
            columns:
              - {name: id, data_type: bigint, description: "The \\"key\\".", constraints: [{type: not_null}]}
              - {name: name, data_type: varchar(8), data_tests: [not_null]}
        unit_tests:
          - name: second_day_adds
            model: changes
            overrides: {vars: {day: 2}}
            given: [{input: ref('people'), rows: [{id: 2, name: Bo}]}]
            expect: {rows: [{id: 2, name: Bob}, {id: 3, name: Cy}]}
    """,
    "snapshots/history.yml": """
        snapshots:
          - name: history
            relation: ref('changes')
            config: {unique_key: id, strategy: check, check_cols: [name]}
    """,
}
# dbt in one process, several commands; what each node came to is printed for the test
DRIVER = """
import json, sys
from dbt.cli.main import dbtRunner
for arguments in json.loads(sys.argv[1]):
    result = dbtRunner().invoke(arguments)
    nodes = getattr(result.result, "results", None) or []
    outcomes = {n.node.unique_id: [n.status, n.message] for n in nodes if hasattr(n, "node")}
    print("RESULT", json.dumps([result.success, repr(result.exception), outcomes]))
"""


@dataclass(frozen=True)
class Ran:
    """What a command of dbt came to: whether it succeeded, and node → status and message."""

    success: bool
    error: str
    nodes: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class DbtRuns:
    standin: RedshiftStandin
    target: Path
    commands: dict[str, Ran]


@pytest.fixture(scope="module")
def dbt_runs(shared_standin: RedshiftStandin, tmp_path_factory: pytest.TempPathFactory) -> DbtRuns:
    """Everything that this module looks at: dbt is slow to start."""
    shared_standin.reset()
    shared_standin.run("create schema data_mart")
    shared_standin.run("create user reader password disable")
    folder = tmp_path_factory.mktemp("dbt")
    write_features(folder / "features")
    common = ["--profiles-dir", str(PROJECT / "dbt"), "--log-path", str(folder / "logs"), "--quiet"]
    features = [*common, "--project-dir", str(folder / "features"), "--target-path", str(folder / "target")]
    commands = {
        "day 1": ["build", *features, "--vars", "day: 1"],
        "day 2": ["build", *features, "--vars", "day: 2"],
        "docs": ["docs", "generate", *features, "--vars", "day: 2"],
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(list(commands.values()))],
        env={**os.environ, **shared_standin.environment(), **dbt_variables(shared_standin)},
        capture_output=True,
        text=True,
        check=False,
    )
    results = [
        json.loads(line.removeprefix("RESULT ")) for line in done.stdout.splitlines() if line.startswith("RESULT ")
    ]
    assert len(results) == len(commands), done.stdout + done.stderr
    return DbtRuns(
        shared_standin, folder / "target", {name: Ran(*ran) for name, ran in zip(commands, results, strict=True)}
    )


def dbt_variables(standin: RedshiftStandin) -> dict[str, str]:
    """What dbt/profiles.yml reads; with TLS and the private authority."""
    return {
        "RETAIL_TARGET": "redshift",
        "RETAIL_REDSHIFT_HOST": standin.host,
        "RETAIL_REDSHIFT_PORT": str(standin.port),
        "RETAIL_REDSHIFT_DATABASE": standin.database,
        "RETAIL_REDSHIFT_USER": standin.user,
        "DBT_ENV_SECRET_RETAIL_REDSHIFT_PASSWORD": standin.password,
        "RETAIL_REDSHIFT_SSLMODE": "verify-full",
    }


def write_features(folder: Path) -> None:
    for name, text in FEATURES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines() if "\n" in text.strip() else [text.encode().decode("unicode_escape")]
        indent = 8 if text.startswith("\n") else 0
        (folder / name).write_text("\n".join(line[indent:] for line in lines).strip() + "\n", encoding="utf-8")


@pytest.mark.parametrize("command", ["day 1", "day 2", "docs"])
def test_dbt_succeeds(dbt_runs: DbtRuns, command: str) -> None:
    """Seeds, late-binding views, tables with contracts and comments, data and unit tests, incremental models."""
    ran = dbt_runs.commands[command]
    bad = {node: outcome for node, outcome in ran.nodes.items() if outcome[0] not in {"success", "pass", "skipped"}}

    assert bad == {}
    assert ran.success, ran.error


def test_docs_know_columns_and_comments(dbt_runs: DbtRuns) -> None:
    catalog: dict[str, Any] = json.loads((dbt_runs.target / "catalog.json").read_text(encoding="utf-8"))

    assert catalog["errors"] is None
    table = catalog["nodes"]["model.features.changes"]
    assert table["metadata"]["comment"] == "It's a table."
    assert table["columns"]["name"]["type"] == "character varying(8)"


def test_incremental_models_change_and_add_rows(dbt_runs: DbtRuns) -> None:
    expected = [(1, "Ada"), (2, "Bob"), (3, "Cy")]
    for table in ("changes", "by_delete", "by_merge", "late"):
        assert dbt_runs.standin.run(f"select id, name from data_mart.{table} order by id") == expected
    appended = dbt_runs.standin.run("select id, added from data_mart.by_append order by id, added nulls first")
    assert appended == [(1, None), (1, "new"), (2, None), (2, "new"), (3, "new")]


def test_snapshot_keeps_the_old_version(dbt_runs: DbtRuns) -> None:
    rows = dbt_runs.standin.run(
        "select id, name, dbt_valid_to is null from data_mart.history order by id, dbt_valid_from"
    )

    assert rows == [(1, "Ada", True), (2, "Bo", False), (2, "Bob", True), (3, "Cy", True)]


def test_grant_and_comment_are_set(dbt_runs: DbtRuns) -> None:
    granted = dbt_runs.standin.run(
        "select privilege_type from svv_relation_privileges "
        "where identity_name = 'reader' and relation_name = 'changes'"
    )

    assert granted == [("SELECT",)]
    query = "select description from pg_description d join pg_class c on c.oid = d.objoid where c.relname = 'changes'"
    assert sorted(dbt_runs.standin.run(query)) == [("It's a table.",), ('The "key".',)]
