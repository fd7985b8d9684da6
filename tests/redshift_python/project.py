"""A small dbt project of Python models, for DuckDB and Redshift: what is written once has to give the same on both."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.conftest import PROJECT

PLUGINS = PROJECT / "dbt" / "plugins"
MACROS = PLUGINS / "dbt_redshift_python" / "macros"
MACROS_ON_DUCKDB = ("changed_columns.sql", "py_write_table.sql")

PROJECT_FILE = f"""
    name: small
    version: "1.0.0"
    config-version: 2
    profile: retail
    macro-paths: ["macros", "{MACROS}"]
    flags: {{send_anonymous_usage_stats: false, redshift_grants_extended: true}}
"""
# of every type that has a counterpart, with values that a careless way of travelling would change
THINGS = """
    {{ config(materialized='table') }}
    {% set types = {
        'id': 'bigint', 'small': 'smallint', 'whole': 'integer', 'name': 'varchar(40)', 'is_new': 'boolean',
        'price': 'decimal(18,2)', 'long_price': 'decimal(38,6)', 'weight': 'double precision', 'light': 'real',
        'day': 'date', 'made_at': 'timestamp', 'known_at': 'timestamptz',
    } %}
    {% set rows = [
        ["1", "-7", "2147483647", "'a''b \\"c\\" 100%'", "true", "1.50", "'12345678901234567890.123456'",
         "'0.1'", "'0.1'", "'1969-12-31'", "'2025-06-30 23:59:59.000001'", "'2025-06-30 23:59:59.5+00'"],
        ["2", "-8", "-2147483648", "''", "false", "-0.01", "-1", "'-1e-7'", "1.5",
         "'2024-02-29'", "'1999-12-31 00:00:00'", "'1999-12-31 00:00:00+00'"],
        ["3", "null", "null", "'żółw 🐢 \n x'", "null", "null", "null", "null", "null", "null", "null", "null"],
        ["4", "4", "4", "null", "true", "0", "0", "'1e300'", "0", "'2025-01-01'", "null", "null"],
    ] %}
    select {% for name, type in types.items() -%}
        cast({{ name }} as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
    {%- endfor %}
    from (
    {% for row in rows %}
        select {% for name, type in types.items() -%}
            cast({{ row[loop.index0] }} as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    ) as rows_of_all
"""
MODELS = {
    "things.sql": THINGS,
    "mirror.py": """
        def model(dbt, session):
            return dbt.ref("things").pl()
    """,
    "lazy.py": """
        def model(dbt, session):
            return dbt.ref("things").select("id, name, price").filter("id < 3").pl().lazy()
    """,
    "after.sql": "select count(*) as things, sum(price) as price from {{ ref('mirror') }}",
    "by_pandas.py": """
        def model(dbt, session):
            return dbt.ref("things").select("id", "name").df()
    """,
    "by_batches.py": """
        import pyarrow


        def model(dbt, session):
            reader = dbt.ref("things").select("id, price").to_arrow_reader(2)
            return pyarrow.RecordBatchReader.from_batches(reader.schema, (each for each in reader if each.num_rows))
    """,
    "by_arrow.py": """
        def model(dbt, session):
            return dbt.ref("things").select("id, made_at, known_at, day").arrow()
    """,
    "none.py": """
        def model(dbt, session):
            return dbt.ref("things").pl().clear()
    """,
    "asked.py": """
        import dataclasses

        import polars as pl


        @dataclasses.dataclass
        class Found:
            name: str
            value: str


        def model(dbt, session):
            things = dbt.ref("things").select("id").pl()
            found = [
                Found("last", str(things["id"].max())),
                Found("this", dbt.this.identifier),
                Found("schema", dbt.this.schema),
                Found("meta", dbt.config.meta_get("wanted")),
                Found("is_incremental", str(dbt.is_incremental)),
                Found("columns", ",".join(dbt.source("made", "plain").columns)),
                Found("source", str(dbt.source("made", "plain").pl().rows())),
            ]
            return pl.DataFrame([dataclasses.asdict(each) for each in found])
    """,
    "declared.py": """
        import polars as pl


        def model(dbt, session):
            numbers = {"cents": [1.005, 2.0], "whole": [1.0, None], "short": ["a", "ab"], "nothing": [None, None]}
            return pl.DataFrame(numbers, schema_overrides={"nothing": pl.Null})
    """,
    "grown.py": """
        def model(dbt, session):
            dbt.config(materialized="incremental")
            things = dbt.ref("things").select("id", "price").pl()
            if dbt.is_incremental:
                last = session.sql(f"select max(id) as last from {dbt.this};").pl()["last"].item()
                return things.with_columns(id=things["id"] + last)
            return things
    """,
    "schema.yml": """
        sources:
          - name: made
            schema: "{{ target.schema }}"
            tables: [{name: plain}]
        models:
          - name: asked
            config: {meta: {wanted: "it's \\"this\\""}}
          - name: declared
            description: It's declared.
            config: {dist: whole, sort: [short]}
            columns:
              - {name: cents, data_type: "decimal(18,2)", description: "The 'cents'."}
              - {name: whole, data_type: bigint}
              - {name: short, data_type: varchar(2), data_tests: [not_null]}
              - {name: nothing, data_type: date}
          - name: grown
            config: {incremental_strategy: append}
    """,
}


def write_project(folder: Path, models: dict[str, str] | None = None) -> Path:
    """The project, with these models; profiles are our own project's."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(textwrap.dedent(PROJECT_FILE), encoding="utf-8")
    (folder / "profiles.yml").write_bytes((PROJECT / "dbt" / "profiles.yml").read_bytes())
    (folder / "macros").mkdir()
    for name in MACROS_ON_DUCKDB:
        (folder / "macros" / name).write_bytes((PROJECT / "dbt" / "macros" / name).read_bytes())
    for name, text in (MODELS if models is None else models).items():
        (folder / "models" / name).write_text(textwrap.dedent(text).strip() + "\n", encoding="utf-8")
    return folder
