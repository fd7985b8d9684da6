{#- The body of the CTE `as_of` for tables that everybody shares: the last month that the orders cover to its end, whatever
    day a report is drawn up for. -#}
{% macro last_closed_month(orders) %}
    select
        as_of_date,
        {{ months_before(12, 'as_of_date') }} as year_before_date
    from (
        select
            case
                when {{ next_day('last_order_date') }} = {{ month_start(next_day('last_order_date')) }} then last_order_date
                else cast({{ dbt.dateadd('day', -1, month_start('last_order_date')) }} as date)
            end as as_of_date
        from (
            select max(order_date) as last_order_date
            from {{ orders }}
            where not is_dated_after_delivery
        ) as last_order
    ) as closed
{% endmacro %}


{#- The day after a date. -#}
{% macro next_day(date_column) -%}
    cast({{ dbt.dateadd('day', 1, date_column) }} as date)
{%- endmacro %}
