{#- The view of the old name and dim_products say the same, row by row; an `except` each way, for both may lack rows. -#}
{% set columns = [
    'product_id', 'product_name', 'product_type', 'product_description', 'supply_count', 'perishable_supply_count',
    'price_usd', 'supply_cost_usd', 'perishable_cost_usd', 'margin_usd', 'margin_ratio', 'perishable_cost_ratio'
] | join(', ') %}

with products as (
    select {{ columns }} from {{ ref('dim_products') }}
),

old_name as (
    select {{ columns }} from {{ ref('dim_products_supplies') }}
),

differing as (
    (select * from products except select * from old_name)

    union all

    (select * from old_name except select * from products)
)

select product_id
from differing
