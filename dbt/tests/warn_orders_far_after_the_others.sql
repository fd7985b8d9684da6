{#- Orders that come after so long a silence of all stores as the year before it had none, and are fewer than an average
    week of that year: their date may be wrong, or what should lie between was not delivered. -#}
{{ config(severity='warn') }}

with orders as (
    select * from {{ ref('stg_orders') }}
    where not is_dated_after_delivery
),

days as (
    select
        order_date,
        count(*) as order_count
    from {{ ref('stg_orders') }}
    where not is_dated_after_delivery
    group by order_date
),

silences as (
    select
        order_date,
        order_count,
        sum(order_count) over (
            order by order_date desc rows between unbounded preceding and current row
        ) as order_count_from_here,
        lag(order_date) over (order by order_date) as previous_date
    from days
),

measured as (
    select
        order_date,
        order_count,
        order_count_from_here,
        previous_date,
        coalesce({{ dbt.datediff('previous_date', 'order_date', 'day') }}, 0) as silent_days
    from silences
),

far_dates as (
    select
        far.order_date
    from measured as far
    inner join measured as usual
        on usual.order_date <= far.previous_date
        and usual.order_date > {{ months_before(12, 'far.previous_date') }}
    where far.silent_days > {{ var('far_after_days') }}
    group by far.order_date, far.order_count_from_here, far.silent_days
    having far.order_count_from_here * 52 < sum(usual.order_count)
        and far.silent_days > max(usual.silent_days)
)

select
    order_id,
    order_date,
    {{ cents_to_usd('subtotal_cents') }} as amount_usd
from orders
where order_date >= (select min(far_dates.order_date) from far_dates)
