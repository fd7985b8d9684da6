{#- Days with less than a quarter or more than four times the orders of the eight same weekdays before: a delivery that is
    missing, half or doubled. Weekdays with fewer than ten orders say nothing. -#}
{{ config(severity='warn') }}

with orders as (
    select * from {{ ref('fact_orders') }}
    where not is_dated_after_delivery
),

days as (
    select * from {{ ref('dim_date') }}
),

counted as (
    select
        order_date,
        count(*) as order_count
    from orders
    group by order_date
),

bounds as (
    select
        min(order_date) as first_date,
        max(order_date) as last_date
    from counted
),

compared as (
    select
        days.date_day,
        coalesce(counted.order_count, 0) as order_count,
        avg(cast(coalesce(counted.order_count, 0) as double precision)) over (
            partition by days.day_of_week_number
            order by days.date_day
            rows between 8 preceding and 1 preceding
        ) as usual_order_count
    from days
    inner join bounds
        on days.date_day between bounds.first_date and bounds.last_date
    left join counted
        on counted.order_date = days.date_day
)

select
    date_day,
    order_count,
    usual_order_count
from compared
where usual_order_count >= 10
    and (order_count * 4 < usual_order_count or order_count > usual_order_count * 4)
