{#- One row, ledger_sha256: a hash of what is loaded now (table, file, its bytes, its place among the deliveries, and the
    profile by which it was read), and of nothing else. Bytes that come back after others are another delivery: what held
    meanwhile is history. Redshift's LISTAGG takes 65,535 bytes at most, so hashes are joined by 500, and their hashes again: room for 500,000 files.
    Ordered by the hashes, since names sort by the collation of the database. Its twin is flows/warehouse/builds.py. -#}
{% macro ledger_sha256() %}
    select {{ sha256("coalesce(" ~ joined_in_order('group_sha256') ~ ", '')") }} as ledger_sha256
    from (
        select {{ sha256(joined_in_order('row_sha256')) }} as group_sha256
        from (
            select
                row_sha256,
                row_number() over (order by row_sha256) - 1 as place
            from (
                select {{ sha256("table_name || '|' || file_sha256 || '|' || file_name || '|' || delivery_order || coalesce('|' || profile_sha256, '')") }} as row_sha256
                from {{ source('ops', 'load_ledger') }}
            ) as hashed
        ) as placed
        group by place - mod(place, 500)
    ) as grouped
{%- endmacro %}


{#- The SHA-256 of a text's UTF-8, 64 lowercase hexadecimal digits. -#}
{% macro sha256(text) -%}
    {{ return(adapter.dispatch('sha256')(text)) }}
{%- endmacro %}

{% macro default__sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro redshift__sha256(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}


{#- An aggregate: the texts of a group one after the other, in their own order. -#}
{% macro joined_in_order(column) -%}
    {{ return(adapter.dispatch('joined_in_order')(column)) }}
{%- endmacro %}

{% macro default__joined_in_order(column) -%}
    string_agg({{ column }}, '' order by {{ column }})
{%- endmacro %}

{% macro redshift__joined_in_order(column) -%}
    listagg({{ column }}, '') within group (order by {{ column }})
{%- endmacro %}


{#- The moment in which this is rendered, UTC. -#}
{% macro utc_timestamp() -%}
    cast('{{ modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
{%- endmacro %}
