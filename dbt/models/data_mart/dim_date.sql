{#- Of these days, counted back from the last year's 31 December, those that the orders span are kept: room for 100 years. -#}
{% set day_limit = 36525 %}
-- depends_on: {{ ref('int_build_gate') }}

with orders as (
    select * from {{ ref('stg_orders') }}
),

numbers as (
    {{ dbt.generate_series(day_limit) }}
),

bounds as (
    select
        cast({{ dbt.date_trunc('year', 'min(order_date)') }} as date) as first_date,
        cast({{ dbt.dateadd('month', 12, dbt.date_trunc('year', 'max(order_date)')) }} as date) as end_date
    from orders
    where not is_dated_after_delivery
),

days as (
    select
        cast({{ dbt.dateadd('day', '-cast(numbers.generated_number as integer)', 'bounds.end_date') }} as date)
            as date_day,
        bounds.first_date
    from bounds
    cross join numbers
),

parts as (
    select
        date_day,
        cast(extract(year from date_day) as integer) as year_number,
        cast(extract(quarter from date_day) as integer) as quarter_number,
        cast(extract(month from date_day) as integer) as month_number,
        cast(extract(day from date_day) as integer) as day_of_month_number,
        cast(case when extract(dow from date_day) = 0 then 7 else extract(dow from date_day) end as integer)
            as day_of_week_number
    from days
    where date_day >= first_date
),

final as (
    select
        date_day,

        year_number,
        quarter_number,
        month_number,
        day_of_month_number,
        day_of_week_number,

        cast(case day_of_week_number
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            when 7 then 'Sunday'
        end as varchar(16)) as day_name,

        day_of_week_number in (6, 7) as is_weekend,

        cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start_date,
        cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_start_date
    from parts
)

select * from final
