{#- dbt-duckdb's way to write what a Python model returned, after a look at it: DuckDB renames a column that is there twice,
    and says of what is no table only that it cannot be scanned. On Redshift dbt_redshift_python does the like. -#}
{% macro py_write_table(temporary, relation, compiled_code, partitioned_by=none, sorted_by=none) -%}
{{ dbt.py_write_table(temporary, relation, compiled_code, partitioned_by=partitioned_by, sorted_by=sorted_by) }}

write_table_to_duckdb = materialize


def materialize(df, con):
    from collections import Counter

    if df is None or isinstance(df, (list, tuple)):
        found = "nothing" if df is None else f"a {type(df).__name__} of {len(df)} values"
        raise TypeError(
            f"{{ model.original_file_path }}: the model returned {found}; a model is one table: return one frame of polars, "
            "pandas or pyarrow, and make a model of each other one"
        )
    if hasattr(df, "collect_schema"):
        names = df.collect_schema().names()
    else:
        names = getattr(getattr(df, "schema", None), "names", None) or getattr(df, "columns", [])
    counts = Counter(str(name).lower() for name in names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise ValueError(
            f"{{ model.original_file_path }}: the model returned {counts[twice[0]]} columns with the name {twice[0]!r}; "
            "rename one"
        )
    write_table_to_duckdb(df, con)
{%- endmacro %}
