{#- Records whose key a newer record bears that is something else: with the same key, but another value in a column that
    no correction changes. They count nowhere, for the newest is the one that counts. One row for each such thing, with
    its amount and with where the record that counts was delivered. What a file held before it was delivered again is
    in the archive of its table. -#}
{% test reused_keys(model, table, key_columns, identity_columns, amount_column=none) %}
    {{ config(severity='warn') }}
    {%- set key = key_columns | join(', ') -%}
    {%- set identity = identity_columns | join(', ') -%}
    {%- set columns = key_columns + identity_columns + ['_file'] + ([amount_column] if amount_column else []) %}

    select
        {{ key }},
        {{ identity }},
        _file as file_name,
        _row as record_number,
        counted_file_name,
        counted_record_number
        {%- if amount_column %},
        {{ cents_to_usd(amount_column) }} as amount_usd
        {%- endif %}
    from (
        select
            *,
            max(case when age_rank = 1 and is_loaded then _file end) over (partition by {{ key }}) as counted_file_name,
            max(case when age_rank = 1 and is_loaded then _row end) over (partition by {{ key }}) as counted_record_number
        from (
            select
                *,
                row_number() over (
                    partition by {{ key }}
                    order by is_loaded desc, delivery_order desc nulls last, _row desc nulls last
                ) as age_rank,
                row_number() over (
                    partition by {{ key }}, {{ identity }}
                    order by is_loaded desc, delivery_order desc nulls last, _row desc nulls last
                ) as version_rank
            from ({{ delivered_records(table, columns) }}) as delivered
            where {{ short_key(key) }} in (
                {{ keys_there_twice(model, key) }}

                union

                select {{ short_key(key) }}
                from {{ source('ops', 'replaced_' ~ table) }}
            )
        ) as ranked
    ) as versions
    where version_rank = 1
        and age_rank > 1
        and counted_file_name is not null
{% endtest %}
