{#- A product has the price of its newest version, and the number and cost of the supplies in its current recipe. -#}
with recipes as (
    select
        product_id,
        count(*) as supply_count,
        count(case when is_perishable then supply_id end) as perishable_supply_count,
        sum(cost_usd) as supply_cost_usd,
        sum(case when is_perishable then cost_usd end) as perishable_cost_usd
    from {{ ref('bridge_products_supplies') }}
    where is_current
    group by product_id
),

versions as (
    select * from {{ ref('dim_product_versions') }}
    where valid_to_date = {{ open_end() }}
),

products as (
    select * from {{ ref('dim_products') }}
)

select coalesce(products.product_id, versions.product_id) as product_id
from products
full outer join versions
    on versions.product_id = products.product_id
left join recipes
    on recipes.product_id = products.product_id
where products.product_id is null
    or versions.product_id is null
    or products.price_usd <> versions.price_usd
    or products.supply_count <> coalesce(recipes.supply_count, 0)
    or products.perishable_supply_count <> coalesce(recipes.perishable_supply_count, 0)
    or products.supply_cost_usd <> coalesce(recipes.supply_cost_usd, 0)
    or products.perishable_cost_usd <> coalesce(recipes.perishable_cost_usd, 0)
