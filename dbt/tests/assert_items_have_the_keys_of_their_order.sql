with orders as (
    select * from {{ ref('stg_orders') }}
),

staged_items as (
    select * from {{ ref('stg_items') }}
),

order_items as (
    select * from {{ ref('int_order_items') }}
)

select order_items.item_id
from order_items
left join orders
    on orders.order_id = order_items.order_id
left join staged_items
    on staged_items.item_id = order_items.item_id
where orders.order_id is null
    or staged_items.item_id is null
    or coalesce(order_items.customer_id, '') <> coalesce(orders.customer_id, '')
    or coalesce(order_items.store_id, '') <> coalesce(orders.store_id, '')
    or order_items.order_id <> staged_items.order_id
    or coalesce(order_items.product_id, '') <> coalesce(staged_items.product_id, '')
    or order_items.order_date <> orders.order_date
    or order_items.ordered_at <> orders.ordered_at
    or order_items.is_dated_after_delivery <> orders.is_dated_after_delivery
