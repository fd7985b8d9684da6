{#- dbt-duckdb's own macro puts the path into the statement as it is: a folder with an apostrophe ended it. -#}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {% set path = adapter.get_seed_file_path(model) | replace("'", "''") %}
    {% set sql %}
        copy {{ this.render() }} from '{{ path }}' (format csv, header true, delimiter '{{ config.get("delimiter", ",") }}')
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {{ return(sql) }}
{% endmacro %}
