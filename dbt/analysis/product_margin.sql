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
        items.product_id,
        cast(count(*) as bigint) as item_count,
        {{ sum_usd('items.net_sales_usd') }} as net_sales_usd,
        {{ sum_usd('items.supply_cost_usd') }} as supply_cost_usd,
        {{ sum_usd('items.perishable_cost_usd') }} as perishable_cost_usd,
        {{ sum_usd('items.margin_usd') }} as margin_usd
    from items
    cross join as_of
    where {{ is_in_last_year('items.order_date') }}
    group by items.product_id
),

total as (
    select {{ sum_usd('margin_usd') }} as margin_usd
    from sales
),

final as (
    select
        sales.product_id,
        coalesce(products.product_name, '(unknown product)') as product_name,
        coalesce(products.product_type, '(unknown)') as category,
        sales.item_count,
        sales.net_sales_usd,
        sales.supply_cost_usd,
        sales.perishable_cost_usd,
        sales.margin_usd,
        {{ ratio('sales.margin_usd', 'sales.net_sales_usd') }} as margin_ratio,
        {{ ratio('sales.perishable_cost_usd', 'sales.supply_cost_usd') }} as perishable_cost_ratio,
        {{ ratio('sales.margin_usd', 'total.margin_usd') }} as share_of_margin_ratio
    from sales
    cross join total
    left join products
        on products.product_id = sales.product_id
)

select
    product_id,
    product_name,
    category,
    item_count,
    net_sales_usd,
    supply_cost_usd,
    perishable_cost_usd,
    margin_usd,
    margin_ratio,
    perishable_cost_ratio,
    share_of_margin_ratio
from final
order by margin_usd desc, product_id asc
