with staged_orders as (
    select * from {{ ref('stg_orders') }}
),

staged_items as (
    select * from {{ ref('stg_items') }}
),

enriched as (
    select * from {{ ref('int_orders_enriched') }}
),

order_items as (
    select * from {{ ref('int_order_items') }}
),

counted as (
    select
        'orders' as what,
        (select count(*) from staged_orders) as expected_count,
        (select count(*) from enriched) as found_count

    union all

    select
        'items' as what,
        (
            select count(*)
            from staged_items
            where staged_items.order_id in (select staged_orders.order_id from staged_orders)
        ) as expected_count,
        (select count(*) from order_items) as found_count

    union all

    select
        'items in orders' as what,
        (select count(*) from order_items) as expected_count,
        (select coalesce(sum(item_count), 0) from enriched) as found_count

    union all

    select
        'net sales' as what,
        (select coalesce(sum(subtotal_cents), 0) from staged_orders) as expected_count,
        (select coalesce(sum(subtotal_cents), 0) from enriched) as found_count

    union all

    select
        'cost' as what,
        (select coalesce(sum(supply_cost_cents), 0) from order_items) as expected_count,
        (select coalesce(sum(supply_cost_cents), 0) from enriched) as found_count

    union all

    select
        'perishable cost' as what,
        (select coalesce(sum(perishable_cost_cents), 0) from order_items) as expected_count,
        (select coalesce(sum(perishable_cost_cents), 0) from enriched) as found_count
)

select *
from counted
where expected_count <> found_count
