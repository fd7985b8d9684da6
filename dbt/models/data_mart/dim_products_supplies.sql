{{ after_build_gate() }}
with products as (
    select * from {{ ref('stg_products') }}
),

supplies as (
    select * from {{ ref('int_supplies_per_product') }}
),

final as (
    select
        products.product_id,

        products.product_name,
        products.product_type,
        products.product_description,

        supplies.supply_count,
        supplies.perishable_supply_count,
        {{ cents_to_usd('products.price_cents') }} as price_usd,
        {{ cents_to_usd('supplies.supply_cost_cents') }} as supply_cost_usd,
        {{ cents_to_usd('supplies.perishable_cost_cents') }} as perishable_cost_usd,
        {{ cents_to_usd('(products.price_cents - supplies.supply_cost_cents)') }} as margin_usd,
        {{ ratio('(products.price_cents - supplies.supply_cost_cents)', 'products.price_cents') }} as margin_ratio,
        {{ ratio('supplies.perishable_cost_cents', 'supplies.supply_cost_cents') }} as perishable_cost_ratio
    from products
    inner join supplies
        on supplies.product_id = products.product_id
)

select * from final
