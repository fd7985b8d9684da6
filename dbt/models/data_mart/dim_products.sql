-- depends_on: {{ ref('int_build_gate') }}
with products as (
    select * from {{ ref('int_products') }}
),

final as (
    select
        product_id,

        product_name,
        product_type,
        product_description,

        supply_count,
        perishable_supply_count,
        {{ cents_to_usd('price_cents') }} as price_usd,
        {{ cents_to_usd('supply_cost_cents') }} as supply_cost_usd,
        {{ cents_to_usd('perishable_cost_cents') }} as perishable_cost_usd,
        {{ cents_to_usd('(price_cents - supply_cost_cents)') }} as margin_usd,
        {{ ratio('(price_cents - supply_cost_cents)', 'price_cents') }} as margin_ratio,
        {{ ratio('perishable_cost_cents', 'supply_cost_cents') }} as perishable_cost_ratio,

        last_delivered_date
    from products
)

select * from final
