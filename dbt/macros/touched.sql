{#- How a build costs what has changed, not what there is. `int_touched_orders` notes, with a number that grows, each
    order that a build must make anew; each incremental model makes anew what was noted since its own newest row. So a
    build that failed halfway is made good by the next one, whatever it had reached. -#}


{#- The table of an earlier build, or nothing: what `ref` cannot name, for the model is built only later. -#}
{% macro earlier_state(schema, name) %}
    {%- if execute and is_incremental() -%}
        {{ return(adapter.get_relation(target.database, generate_schema_name(schema, none) | trim, name)) }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}


{#- The notes that this table has not followed yet. -#}
{% macro untouched_notes(column) %}
    select {{ column }}
    from {{ ref('int_touched_orders') }}
    where touch_number > (select coalesce(max(touch_number), -1) from {{ this }})
{%- endmacro %}


{#- Before the rows are made anew: away with the old ones, those that come no more included. -#}
{% macro delete_touched(column, note='order_id') %}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ column }} in ({{ untouched_notes(note) }} and {{ note }} is not null)
            or exists ({{ untouched_notes(note) }} and order_id = '*')
    {%- endif -%}
{% endmacro %}


{#- The condition that leaves only what is to be made anew; all of it in a first build, or when everything was noted. -#}
{% macro is_touched(column, note='order_id') -%}
    {%- set notes = ref('int_touched_orders') -%}  {#- said outside of any condition, for dbt to know it -#}
    {%- set is_all = true -%}
    {%- if execute and is_incremental() -%}
        {%- set everything = run_query("select count(*) from (" ~ untouched_notes('order_id') ~ " and order_id = '*') as notes") -%}
        {%- set is_all = everything.columns[0].values()[0] | int > 0 -%}
    {%- endif -%}
    {%- if is_all -%}
        1 = 1
    {%- else -%}
        {{ column }} in ({{ untouched_notes(note) }} and {{ note }} is not null)
    {%- endif -%}
{%- endmacro %}


{#- Of a model that follows the notes too and is built before this one: the rows that may be of an order to be made anew here.
    They carry at least the number of its note. Rows lie in the order in which they were made, so the older ones are not
    read, which the number must be known for before the query is planned. All rows, where none carries the newest number:
    then that model may have been left out of the build, and its rows of the order are as they were. -#}
{% macro is_made_since(model) -%}
    {%- set others = ref(model) -%}  {#- said outside of any condition, for dbt to know it -#}
    {%- set notes = ref('int_touched_orders') -%}
    {%- set newest = none -%}
    {%- if execute and is_incremental() -%}
        {%- set found = run_query(
            "select (select coalesce(max(touch_number), -1) from " ~ this ~ ") as newest_here, "
            ~ "(select coalesce(max(touch_number), -1) from " ~ others ~ ") as newest_there, "
            ~ "(select coalesce(max(touch_number), -1) from " ~ notes ~ ") as newest_noted"
        ) -%}
        {%- if found.rows[0][1] | int >= found.rows[0][2] | int -%}
            {%- set newest = found.rows[0][0] | int -%}
        {%- endif -%}
    {%- endif -%}
    {%- if newest is none -%}
        1 = 1
    {%- else -%}
        touch_number > {{ newest }}
    {%- endif -%}
{%- endmacro %}


{#- The number that the rows of this build carry. -#}
{% macro touch_number() -%}
    (select coalesce(max(notes.touch_number), 0) from {{ ref('int_touched_orders') }} as notes)
{%- endmacro %}


{#- The keys of records that came in files loaded since the earlier state, or whose row there came from a file that is
    replaced or gone; whether there is such a file is asked first. Files of a table are loaded at moments that only grow,
    so the newest moment built is enough. -#}
{% macro new_or_gone_keys(table, raw_key, built, built_key) %}
    select records.{{ raw_key }} as record_id
    from {{ source('raw', table) }} as records
    where records._loaded_at > (
        select coalesce(max(newest.loaded_at), cast('1900-01-01' as timestamp)) from {{ built }} as newest
    )

    union

    select gone.{{ built_key }} as record_id
    from (
        select *
        from {{ built }}
        where exists (
            select 1
            from (select distinct file_name, loaded_at from {{ built }}) as files
            left join {{ source('ops', 'load_ledger') }} as loaded
                on loaded.table_name = '{{ table }}'
                and loaded.file_name = files.file_name
                and loaded.loaded_at = files.loaded_at
            where loaded.file_name is null
        )
    ) as gone
    left join {{ source('ops', 'load_ledger') }} as ledger
        on ledger.table_name = '{{ table }}'
        and ledger.file_name = gone.file_name
        and ledger.loaded_at = gone.loaded_at
    where ledger.file_name is null
{%- endmacro %}


{#- Key → the first day from which something changed between the periods and those of the earlier build. -#}
{% macro changed_periods(periods, built, key, values) %}
    {%- set columns = ([key, 'valid_from_date'] + values) | join(', ') -%}
    select
        {{ key }},
        min(valid_from_date) as changed_from_date
    from (
        (select {{ columns }} from {{ periods }} except select {{ columns }} from {{ built }})
        union all
        (select {{ columns }} from {{ built }} except select {{ columns }} from {{ periods }})
    ) as differing
    group by {{ key }}
{%- endmacro %}


{#- Greater than the number of any note and of any row made anew, so that a log that was lost starts above them. -#}
{% macro next_touch_number() -%}
    {%- set known = [] -%}
    {%- if execute -%}
        {%- for schema, name in [('intermediate', 'int_touched_orders'), ('intermediate', 'int_orders_enriched'), ('data_mart', 'fact_orders')] -%}
            {%- set state = adapter.get_relation(target.database, generate_schema_name(schema, none) | trim, name) -%}
            {%- if state is not none and 'touch_number' in adapter.get_columns_in_relation(state) | map(attribute='name') -%}
                {%- do known.append("(select coalesce(max(built.touch_number), 0) from " ~ state ~ " as built)") -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    1 + {% if known %}greatest({{ known | join(', ') }}, 0){% else %}0{% endif %}
{%- endmacro %}


{#- Whether a raw record is a version of one whose order is touched; the others need not be ranked. -#}
{% macro is_version_touched(table) -%}
    {%- set condition = is_touched('order_id') -%}
    {%- if condition | trim == '1 = 1' -%}
        1 = 1
    {%- else -%}
        id in (select id from {{ source('raw', table) }} where {{ condition }})
    {%- endif -%}
{%- endmacro %}
