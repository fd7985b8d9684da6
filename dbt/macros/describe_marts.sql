{#- on-run-end, on Redshift: the descriptions of marts that have none yet, since they were made anew. persist_docs would
    set them while each table is being swapped, a statement a column, and hold its readers up for so long. Not by dbt's
    own macro for columns, whose look-up leaves a transaction open: what follows would be rolled back. -#}
{% macro describe_marts(results) -%}
    {%- if execute and target.type == 'redshift' and flags.WHICH in ('build', 'run', 'retry') -%}
        {%- set marts_schema = generate_schema_name('data_mart', none) | trim -%}
        {%- set bare = undescribed_tables(marts_schema) -%}
        {%- for result in results if result.status == 'success' and result.node.schema == marts_schema and result.node.alias in bare -%}
            {%- set relation = api.Relation.create(
                database=result.node.database, schema=result.node.schema, identifier=result.node.alias, type='table'
            ) -%}
            comment on table {{ relation }} is {{ sql_text(result.node.description) }};
            {%- for column in result.node.columns.values() %}
            comment on column {{ relation }}.{{ adapter.quote(column.name) }} is {{ sql_text(column.description) }};
            {%- endfor %}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{#- The names of the tables of a schema that have no comment. -#}
{% macro undescribed_tables(schema) -%}
    {%- set found = run_query(
        "select pg_class.relname from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace"
        ~ " left join pg_description on pg_description.objoid = pg_class.oid and pg_description.objsubid = 0"
        ~ " where pg_class.relkind = 'r' and pg_description.description is null"
        ~ " and pg_namespace.nspname = '" ~ schema ~ "'"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}


{#- A text as SQL has it. Redshift reads a backslash in it as PostgreSQL 8 did: the sign after it is meant. -#}
{% macro sql_text(text) -%}
    '{{ text | trim | replace("\\", "\\\\") | replace("'", "''") }}'
{%- endmacro %}
