with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

last_year_orders as (
    select
        orders.store_id,
        orders.order_date,
        orders.subtotal_usd,
        cast(dates.day_of_week_number as bigint) as weekday_number,
        cast(extract(hour from orders.ordered_at) as bigint) as hour_number
    from orders
    cross join as_of
    inner join dates
        on dates.date_day = orders.order_date
    where {{ is_in_last_year('orders.order_date') }}
),

open_days as (
    select
        store_id,
        weekday_number,
        cast(count(distinct order_date) as bigint) as open_day_count
    from last_year_orders
    group by store_id, weekday_number
),

sales as (
    select
        store_id,
        weekday_number,
        hour_number,
        cast(count(*) as bigint) as order_count,
        {{ sum_usd('subtotal_usd') }} as net_sales_usd
    from last_year_orders
    group by store_id, weekday_number, hour_number
),

final as (
    select
        sales.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        sales.weekday_number,
        sales.hour_number,
        open_days.open_day_count,
        sales.order_count,
        sales.net_sales_usd
    from sales
    inner join open_days
        on open_days.store_id = sales.store_id
        and open_days.weekday_number = sales.weekday_number
    left join stores
        on stores.store_id = sales.store_id
)

select
    store_id,
    store_name,
    weekday_number,
    hour_number,
    open_day_count,
    order_count,
    net_sales_usd
from final
order by store_id asc, weekday_number asc, hour_number asc
