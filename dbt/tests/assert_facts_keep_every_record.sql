with staged_orders as (
    select * from {{ ref('stg_orders') }}
),

staged_items as (
    select * from {{ ref('stg_items') }}
),

expected_orders as (
    select
        count(*) as order_count,
        {{ cents_to_usd('cast(coalesce(sum(subtotal_cents), 0) as bigint)') }} as subtotal_usd
    from staged_orders
),

expected_items as (
    select count(*) as item_count
    from staged_items
    where staged_items.order_id in (select staged_orders.order_id from staged_orders)
),

found_orders as (
    select
        count(*) as order_count,
        {{ sum_usd('subtotal_usd') }} as subtotal_usd
    from {{ ref('fact_orders') }}
),

found_items as (
    select count(*) as item_count
    from {{ ref('fact_orders_items') }}
)

select
    expected_orders.order_count as expected_order_count,
    found_orders.order_count as found_order_count,
    expected_orders.subtotal_usd as expected_subtotal_usd,
    found_orders.subtotal_usd as found_subtotal_usd,
    expected_items.item_count as expected_item_count,
    found_items.item_count as found_item_count
from expected_orders
cross join expected_items
cross join found_orders
cross join found_items
where expected_orders.order_count <> found_orders.order_count
    or expected_orders.subtotal_usd <> found_orders.subtotal_usd
    or expected_items.item_count <> found_items.item_count
