with items as (
    select * from {{ ref('fact_orders_items') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

sales as (
    select
        coalesce(products.product_type, '(unknown)') as category,
        cast(count(*) as bigint) as item_count,
        {{ sum_usd('items.net_sales_usd') }} as net_sales_usd
    from items
    cross join as_of
    left join products
        on products.product_id = items.product_id
    where {{ is_until_as_of('items.order_date') }}
    group by coalesce(products.product_type, '(unknown)')
),

total as (
    select {{ sum_usd('net_sales_usd') }} as net_sales_usd
    from sales
),

final as (
    select
        sales.category,
        sales.item_count,
        sales.net_sales_usd,
        coalesce({{ ratio('sales.net_sales_usd', 'total.net_sales_usd') }}, 0) as share_of_net_sales_ratio
    from sales
    cross join total
)

select
    category,
    item_count,
    net_sales_usd,
    share_of_net_sales_ratio
from final
order by net_sales_usd desc, category asc
