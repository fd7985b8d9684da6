with orders as (
    select * from {{ ref('fact_orders') }}
),

refunds as (
    select * from {{ ref('fact_refunds') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

last_year_orders as (
    select
        orders.store_id,
        cast(count(distinct orders.order_date) as bigint) as open_day_count,
        cast(count(distinct orders.customer_id) as bigint) as customer_count,
        cast(count(*) as bigint) as order_count,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd,
        {{ sum_usd('orders.tax_paid_usd') }} as tax_usd,
        {{ sum_usd('orders.margin_usd') }} as margin_usd,
        {{ average_usd('orders.subtotal_usd') }} as average_order_net_usd
    from orders
    cross join as_of
    where {{ is_in_last_year('orders.order_date') }}
    group by orders.store_id
),

previous_year_orders as (
    select
        orders.store_id,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd
    from orders
    cross join as_of
    where {{ is_in_previous_year('orders.order_date') }}
    group by orders.store_id
),

openings as (
    select
        store_id,
        min(order_date) as first_order_date
    from orders
    group by store_id
),

refunded as (
    select
        refunds.store_id,
        {{ sum_usd('refunds.refunds_usd') }} as refunds_usd
    from refunds
    cross join as_of
    where {{ is_in_last_year('refunds.refunded_date') }}
    group by refunds.store_id
),

performance as (
    select
        stores.store_id,
        stores.store_name,
        stores.opened_date,
        coalesce(last_year_orders.open_day_count, 0) as open_day_count,
        coalesce(last_year_orders.customer_count, 0) as customer_count,
        coalesce(last_year_orders.order_count, 0) as order_count,
        cast(coalesce(last_year_orders.net_sales_usd, 0) as decimal(18, 2)) as net_sales_usd,
        cast(coalesce(refunded.refunds_usd, 0) as decimal(18, 2)) as refunds_usd,
        cast(coalesce(last_year_orders.tax_usd, 0) as decimal(18, 2)) as tax_usd,
        cast(coalesce(last_year_orders.margin_usd, 0) as decimal(18, 2)) as margin_usd,
        last_year_orders.average_order_net_usd,
        cast(coalesce(previous_year_orders.net_sales_usd, 0) as decimal(18, 2)) as net_sales_previous_year_usd,
        coalesce({{ was_open_in_both_years('openings.first_order_date') }}, false) as is_comparable
    from stores
    cross join as_of
    left join last_year_orders
        on last_year_orders.store_id = stores.store_id
    left join previous_year_orders
        on previous_year_orders.store_id = stores.store_id
    left join openings
        on openings.store_id = stores.store_id
    left join refunded
        on refunded.store_id = stores.store_id
),

final as (
    select
        store_id,
        store_name,
        opened_date,
        open_day_count,
        customer_count,
        order_count,
        net_sales_usd,
        refunds_usd,
        tax_usd,
        margin_usd,
        {{ ratio('margin_usd', 'net_sales_usd') }} as margin_ratio,
        {{ ratio('order_count', 'open_day_count') }} as orders_per_open_day,
        average_order_net_usd,
        net_sales_previous_year_usd,
        {{ ratio('(net_sales_usd - net_sales_previous_year_usd)', 'net_sales_previous_year_usd') }} as growth_ratio,
        is_comparable
    from performance
)

select
    store_id,
    store_name,
    opened_date,
    open_day_count,
    customer_count,
    order_count,
    net_sales_usd,
    refunds_usd,
    tax_usd,
    margin_usd,
    margin_ratio,
    orders_per_open_day,
    average_order_net_usd,
    net_sales_previous_year_usd,
    growth_ratio,
    is_comparable
from final
order by net_sales_usd desc, store_id asc
