{{ config(pre_hook="{{ delete_touched('usage_date', 'order_date') }}") }}

with order_items as (
    select * from {{ ref('int_order_items') }}
    where {{ is_touched('order_date', 'order_date') }}
),

recipes as (
    select * from {{ ref('int_recipe_lines') }}
),

final as (
    select
        order_items.store_id,
        recipes.supply_id,

        recipes.is_perishable,

        cast(count(*) as bigint) as unit_count,
        cast(sum(recipes.cost_cents) as bigint) as cost_cents,

        order_items.order_date as usage_date,

        {{ touch_number() }} as touch_number
    from order_items
    inner join recipes
        on recipes.product_id = order_items.product_id
        and recipes.valid_from_date <= order_items.order_date
        and recipes.valid_to_date > order_items.order_date
    where order_items.is_product_known
    group by order_items.store_id, recipes.supply_id, recipes.is_perishable, order_items.order_date
)

select * from final
