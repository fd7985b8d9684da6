with order_items as (
    select
        store_id,
        order_date,
        sum(coalesce(supply_cost_cents, 0)) as supply_cost_cents,
        sum(coalesce(perishable_cost_cents, 0)) as perishable_cost_cents
    from {{ ref('int_order_items') }}
    group by store_id, order_date
),

supply_usage as (
    select
        store_id,
        usage_date,
        sum(cost_cents) as cost_cents,
        sum(case when is_perishable then cost_cents else 0 end) as perishable_cost_cents,
        sum(case when unit_count < 1 then 1 else 0 end) as empty_count
    from {{ ref('int_supply_usage') }}
    group by store_id, usage_date
)

select
    order_items.store_id,
    order_items.order_date
from order_items
full outer join supply_usage
    on supply_usage.store_id = order_items.store_id
    and supply_usage.usage_date = order_items.order_date
where coalesce(order_items.supply_cost_cents, 0) <> coalesce(supply_usage.cost_cents, 0)
    or coalesce(order_items.perishable_cost_cents, 0) <> coalesce(supply_usage.perishable_cost_cents, 0)
    or supply_usage.empty_count > 0
