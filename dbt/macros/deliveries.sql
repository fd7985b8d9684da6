{#- The records of a raw table that are loaded now, each with its delivery: the one place where dbt learns which of two
    records is newer. The rule itself is the ingest's (docs/deliveries.md); its text `delivery_order` is only compared. -#}
{% macro loaded_records(table) %}
    select
        records.*,
        ledger.delivered_at,
        ledger.delivery_date,
        ledger.valid_from_date,
        ledger.delivery_order
    from {{ source('raw', table) }} as records
    inner join {{ source('ops', 'load_ledger') }} as ledger
        on ledger.table_name = '{{ table }}'
        and ledger.file_name = records._file
{% endmacro %}


{#- The same for a table with a history: with the records that a later delivery of the same file has replaced. -#}
{% macro delivered_records(table, columns) %}
    select
        {{ columns | join(',\n        ') }},
        _row,
        delivery_date,
        valid_from_date,
        delivery_order,
        true as is_loaded
    from ({{ loaded_records(table) }}) as loaded

    union all

    select
        {{ columns | join(',\n        ') }},
        _row,
        _delivery_date as delivery_date,
        _valid_from_date as valid_from_date,
        _delivery_order as delivery_order,
        false as is_loaded
    from {{ source('ops', 'replaced_' ~ table) }}
{% endmacro %}


{#- A window's order that puts the newest record first. -#}
{% macro newest_first(record_number) -%}
    order by delivery_order desc nulls last, {{ record_number }} desc nulls last
{%- endmacro %}


{#- Of the records that share a key, the newest, with the day on which any of them was last delivered. -#}
{% macro newest_records(relation, key, record_number='record_number') %}
    select *
    from (
        select
            *,
            row_number() over (partition by {{ key }} {{ newest_first(record_number) }}) as version_rank,
            max(delivery_date) over (partition by {{ key }}) as last_delivered_date
        from {{ relation }}
    ) as versions
    where version_rank = 1
{% endmacro %}


{#- The day from which a record is really valid: a line of the seed valid_from_dates moves it, but not the state at the
    beginning, which came on a day too. -#}
{% macro moved_valid_from(relation, table, key) %}
    select
        delivered.*,
        coalesce(moved.valid_from_date, delivered.valid_from_date) as starts_on_date
    from {{ relation }} as delivered
    left join {{ ref('valid_from_dates') }} as moved
        on moved.table_name = '{{ table }}'
        and moved.record_id = delivered.{{ key }}
        and moved.delivery_date = delivered.delivery_date
        and delivered.valid_from_date = delivered.delivery_date
{% endmacro %}


{#- A raw table, for the one model above staging that must see what has just come. -#}
{% macro raw_table(table) -%}
    {{ source('raw', table) }}
{%- endmacro %}
