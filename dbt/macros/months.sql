{#- One row per month from the first order's to as_of's, also empty ones, the newest 1,200 at most:
    month_start_date, last_counted_date (the month's last day, as_of in the month in progress), is_complete (as_of reaches
    the last day) and first_month_start_date. Reads `orders` (order_date) and `as_of` (one row, as_of_date). -#}
{% macro months_until(as_of, orders) %}
    select
        month_start_date,
        least(month_end_date, as_of_date) as last_counted_date,
        month_end_date <= as_of_date as is_complete,
        first_month_start_date
    from (
        select
            cast({{ dbt.dateadd(
                'month', '1 - cast(numbers.generated_number as integer)', 'bounds.last_month_start_date'
            ) }} as date) as month_start_date,
            cast({{ dbt.dateadd('day', -1, dbt.dateadd(
                'month', '2 - cast(numbers.generated_number as integer)', 'bounds.last_month_start_date'
            )) }} as date) as month_end_date,
            bounds.first_month_start_date,
            bounds.as_of_date
        from ({{ dbt.generate_series(1200) }}) as numbers
        cross join (
            select
                {{ month_start('min(orders.order_date)') }} as first_month_start_date,
                {{ month_start('max(given.as_of_date)') }} as last_month_start_date,
                max(given.as_of_date) as as_of_date
            from {{ orders }} as orders
            cross join {{ as_of }} as given
        ) as bounds
    ) as series
    where month_start_date >= first_month_start_date
{% endmacro %}


{#- The first day of a date's month. -#}
{% macro month_start(date_expression) -%}
    cast({{ dbt.date_trunc('month', date_expression) }} as date)
{%- endmacro %}
