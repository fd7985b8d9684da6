{#- Of the records that share a key, the one of the last file and, in it, the last record. -#}
{% macro latest_version(relation, key_columns) %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key_columns | join(', ') }}
                order by _file desc nulls last, _row desc nulls last
            ) as version_rank
        from {{ relation }}
    ) as versions
    where version_rank = 1
{% endmacro %}
