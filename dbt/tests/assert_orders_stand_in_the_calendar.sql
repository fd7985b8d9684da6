{#- dim_date has every day of the years of the orders, 100 years at most, and no other; so each order that is not dated after
    its delivery has its day. -#}
with orders as (
    select * from {{ ref('fact_orders') }}
    where not is_dated_after_delivery
),

days as (
    select * from {{ ref('dim_date') }}
),

ordered_years as (
    select
        cast(extract(year from min(order_date)) as integer) as first_year,
        cast(extract(year from max(order_date)) as integer) as last_year
    from orders
),

calendar as (
    select
        cast(count(*) as bigint) as day_count,
        min(year_number) as first_year,
        max(year_number) as last_year,
        min(year_number * 10000 + month_number * 100 + day_of_month_number) as first_day_number,
        max(year_number * 10000 + month_number * 100 + day_of_month_number) as last_day_number
    from days
)

select
    ordered_years.first_year,
    ordered_years.last_year,
    calendar.first_day_number,
    calendar.last_day_number
from ordered_years
cross join calendar
where ordered_years.last_year <> coalesce(calendar.last_year, 0)
    or calendar.last_day_number <> calendar.last_year * 10000 + 1231
    or (
        ordered_years.last_year - ordered_years.first_year < 100
        and (
            ordered_years.first_year <> calendar.first_year
            or calendar.first_day_number <> calendar.first_year * 10000 + 101
        )
    )
