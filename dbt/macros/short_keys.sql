{#- A key that stands for another in a join or a group: on DuckDB its hash of 64 bits, which needs half of the time and memory
    of a text of 36. Equal keys have equal hashes, so what is found twice by the hash is all that can be there twice. Of
    ten million keys that differ, two have the same hash in one of 370,000 shops. -#}
{% macro short_key(columns) -%}
    {{ return(adapter.dispatch('short_key')(columns)) }}
{%- endmacro %}


{% macro default__short_key(columns) -%}
    {{ columns }}
{%- endmacro %}


{% macro duckdb__short_key(columns) -%}
    hash({{ columns }})
{%- endmacro %}


{#- The condition that leaves the rows whose key may be there twice. -#}
{% macro may_be_twice(relation, columns) -%}
    {{ short_key(columns) }} in (
        {{ keys_there_twice(relation, columns) }}
    )
{%- endmacro %}


{#- The short keys that are there twice. DuckDB sorts numbers faster than it groups them. -#}
{% macro keys_there_twice(relation, columns) -%}
    {{ return(adapter.dispatch('keys_there_twice')(relation, columns)) }}
{%- endmacro %}


{% macro default__keys_there_twice(relation, columns) -%}
    select {{ short_key(columns) }}
    from {{ relation }}
    group by {{ short_key(columns) }}
    having count(*) > 1
{%- endmacro %}


{% macro duckdb__keys_there_twice(relation, columns) -%}
    select sorted.short_key
    from (
        select
            keys.short_key,
            lag(keys.short_key) over (order by keys.short_key) as previous_key
        from (select {{ short_key(columns) }} as short_key from {{ relation }}) as keys
    ) as sorted
    where sorted.short_key = sorted.previous_key
{%- endmacro %}


{#- dbt's test, of the keys alone that may be there twice: on a table without any, it reads and groups 8 bytes a row. -#}
{% macro duckdb__test_unique(model, column_name) %}
    select
        {{ column_name }} as unique_field,
        count(*) as n_records
    from {{ model }}
    where {{ column_name }} is not null
        and {{ may_be_twice(model, column_name) }}
    group by {{ column_name }}
    having count(*) > 1
{% endmacro %}


{#- dbt's test; the parent's keys are kept as short keys. -#}
{% macro duckdb__test_relationships(model, column_name, to, field) %}
    select {{ column_name }} as from_field
    from {{ model }}
    where {{ column_name }} is not null
        and {{ short_key(column_name) }} not in (
            select {{ short_key(field) }}
            from {{ to }}
        )
{% endmacro %}
