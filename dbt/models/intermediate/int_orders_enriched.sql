with orders as (
    select * from {{ ref('stg_orders') }}
),

order_items as (
    select * from {{ ref('int_order_items') }}
),

items_per_order as (
    select
        order_id,
        cast(count(*) as bigint) as item_count,
        cast(sum(coalesce(price_cents, 0)) as bigint) as item_revenue_cents,
        cast(sum(coalesce(supply_cost_cents, 0)) as bigint) as supply_cost_cents,
        cast(sum(coalesce(perishable_cost_cents, 0)) as bigint) as perishable_cost_cents
    from order_items
    group by order_id
),

final as (
    select
        orders.order_id,
        orders.customer_id,
        orders.store_id,

        coalesce(items_per_order.item_count, 0) as item_count,

        orders.subtotal_cents,
        orders.tax_paid_cents,
        orders.order_total_cents,
        coalesce(items_per_order.item_revenue_cents, 0) as item_revenue_cents,
        coalesce(items_per_order.supply_cost_cents, 0) as supply_cost_cents,
        coalesce(items_per_order.perishable_cost_cents, 0) as perishable_cost_cents,

        orders.order_date,
        orders.ordered_at
    from orders
    left join items_per_order
        on items_per_order.order_id = orders.order_id
)

select * from final
