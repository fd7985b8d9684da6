{#- What an incremental Python model on DuckDB does when its columns change; on Redshift its materialization does it. -#}

{% macro duckdb__process_schema_changes(on_schema_change, source_relation, target_relation) %}
    {#- As dbt does, and a clear error where DuckDB would cut values off or does not find a column. -#}
    {% if model.language == 'python' and on_schema_change in ['ignore', 'append_new_columns'] %}
        {% set returned = adapter.get_columns_in_relation(source_relation) %}
        {% set held = adapter.get_columns_in_relation(target_relation) %}
        {% do require_kept_values(returned, held) %}
        {% if on_schema_change == 'ignore' %}
            {% do require_columns(held, returned) %}
        {% endif %}
    {% endif %}
    {{ return(dbt.default__process_schema_changes(on_schema_change, source_relation, target_relation)) }}
{% endmacro %}


{% macro duckdb__alter_column_type(relation, column_name, new_column_type) %}
    {#- In one statement: dbt's way over a column more is refused by DuckDB at the commit, as a change of a changed table. -#}
    {% call statement('alter_column_type') %}
        alter table {{ relation }} alter column {{ adapter.quote(column_name) }} type {{ new_column_type }}
    {% endcall %}
{% endmacro %}
