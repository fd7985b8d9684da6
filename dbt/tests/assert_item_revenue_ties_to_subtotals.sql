with revenue as (
    {{ item_revenue_per_order() }}
),

quarantined_items as (
    select coalesce(sum(rows_quarantined), 0) as item_count
    from {{ source('ops', 'load_ledger') }}
    where table_name = 'raw_items'
),

unpriced_items as (
    select count(*) as item_count
    from {{ ref('fact_orders_items') }}
    where not is_product_known
),

short_orders as (
    select count(*) as order_count
    from revenue
    where item_net_sales_usd < subtotal_usd
)

select revenue.*
from revenue
cross join quarantined_items
cross join unpriced_items
cross join short_orders
where revenue.item_net_sales_usd > revenue.subtotal_usd
    or (
        revenue.item_net_sales_usd < revenue.subtotal_usd
        and short_orders.order_count > quarantined_items.item_count + unpriced_items.item_count
    )
