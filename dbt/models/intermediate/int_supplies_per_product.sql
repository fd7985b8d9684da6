with products as (
    select * from {{ ref('stg_products') }}
),

supplies as (
    select * from {{ ref('stg_supplies') }}
),

final as (
    select
        products.product_id,
        cast(count(supplies.supply_id) as bigint) as supply_count,
        cast(count(case when supplies.is_perishable then supplies.supply_id end) as bigint)
            as perishable_supply_count,
        cast(coalesce(sum(supplies.cost_cents), 0) as bigint) as supply_cost_cents,
        cast(coalesce(sum(case when supplies.is_perishable then supplies.cost_cents end), 0) as bigint)
            as perishable_cost_cents
    from products
    left join supplies
        on supplies.product_id = products.product_id
    group by products.product_id
)

select * from final
