{#- How much memory DuckDB has for a build. What it has read it keeps for as long as there is room: on a large machine the
    same day's build of an older shop took ever more. So an invocation begins with 192 MiB a thread, at least 384, which is
    enough for a day; when it is known that there is more to do, it has all that it is allowed. Without an allowance of
    ours (dbt by hand) DuckDB has its own. Above its limit it spills. A limit in profiles.yml would be set anew with each
    connection. -#}


{#- on-run-start: little, unless everything is to be made. -#}
{% macro begin_with_little_memory() -%}
    {%- if execute and allowed_memory_mb() -%}
        {%- set built = existing_table(target.database, generate_schema_name('staging', none) | trim, 'stg_orders') -%}
        {%- set is_little = built is not none and not flags.FULL_REFRESH -%}
        {{ set_memory_mb([little_memory_mb(), allowed_memory_mb()] | min if is_little else allowed_memory_mb()) }}
    {%- endif -%}
{%- endmacro %}


{#- A hook of int_touched_orders: all of it, where more was noted than comes in a day. -#}
{% macro give_memory_for_many_notes() -%}
    {%- if execute and allowed_memory_mb() -%}
        {%- set noted = run_query(
            "select count(*), coalesce(max(case when order_id = '*' then 1 else 0 end), 0) from " ~ this
            ~ " where touch_number = (select max(notes.touch_number) from " ~ this ~ " as notes)"
        ).rows[0] -%}
        {%- if noted[0] | int > 100000 or noted[1] | int == 1 -%}
            {{ set_memory_mb(allowed_memory_mb()) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- What DuckDB may take at the most, in MiB; 0 where nothing is said, and on Redshift. -#}
{% macro allowed_memory_mb() -%}
    {{ return(env_var('RETAIL_DUCKDB_MEMORY_MB', '0') | int if target.type == 'duckdb' else 0) }}
{%- endmacro %}


{% macro little_memory_mb() -%}
    {%- set threads = run_query("select current_setting('threads')").rows[0][0] | int -%}
    {{ return([192 * threads, 384] | max) }}
{%- endmacro %}


{% macro set_memory_mb(mb) -%}
    set memory_limit = '{{ mb }}MiB'
{%- endmacro %}
