with products as (
    select * from {{ ref('dim_products') }}
),

final as (
    select
        product_id,

        product_name,
        product_type,
        product_description,

        supply_count,
        perishable_supply_count,
        price_usd,
        supply_cost_usd,
        perishable_cost_usd,
        margin_usd,
        margin_ratio,
        perishable_cost_ratio
    from products
)

select * from final
