with sold as (
    select
        store_id,
        product_id,
        order_date,
        is_product_known,
        count(*) as item_count,
        sum(coalesce(supply_cost_cents, 0)) as supply_cost_cents,
        sum(coalesce(perishable_cost_cents, 0)) as perishable_cost_cents
    from {{ ref('int_order_items') }}
    group by store_id, product_id, order_date, is_product_known
),

order_items as (
    select
        store_id,
        order_date,
        sum(supply_cost_cents) as supply_cost_cents,
        sum(perishable_cost_cents) as perishable_cost_cents
    from sold
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
),

-- what each supply must have been used for and cost, and what it was: together nothing
expected_and_found as (
    select
        sold.store_id,
        sold.order_date,
        recipes.supply_id,
        recipes.is_perishable,
        sold.item_count as unit_count,
        sold.item_count * recipes.cost_cents as cost_cents
    from sold
    inner join {{ ref('int_recipe_versions') }} as recipes
        on recipes.product_id = sold.product_id
        and recipes.valid_from_date <= sold.order_date
        and recipes.valid_to_date > sold.order_date
    where sold.is_product_known

    union all

    select
        store_id,
        usage_date as order_date,
        supply_id,
        is_perishable,
        -unit_count as unit_count,
        -cost_cents as cost_cents
    from {{ ref('int_supply_usage') }}
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

union all

select
    store_id,
    order_date
from expected_and_found
group by store_id, order_date, supply_id, is_perishable
having sum(unit_count) <> 0
    or sum(cost_cents) <> 0
