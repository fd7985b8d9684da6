with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

sales as (
    select
        orders.store_id,
        cast(count(*) as bigint) as order_count,
        {{ average_usd('orders.order_total_usd') }} as average_order_gross_usd,
        {{ average_usd('orders.subtotal_usd') }} as average_order_net_usd
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }}
    group by orders.store_id
),

final as (
    select
        sales.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        sales.order_count,
        sales.average_order_gross_usd,
        sales.average_order_net_usd
    from sales
    left join stores
        on stores.store_id = sales.store_id
)

select
    store_id,
    store_name,
    order_count,
    average_order_gross_usd,
    average_order_net_usd
from final
order by average_order_gross_usd desc, store_id asc
