{#- Supply usage, refunds, stock counts, recipes and versions of products: the marts are the intermediate models. -#}
with supply_usage as (
    select * from {{ ref('int_supply_usage') }}
),

refunds as (
    select * from {{ ref('stg_refunds') }}
),

stock_counts as (
    select * from {{ ref('stg_stock_counts') }}
),

recipes as (
    select * from {{ ref('int_recipe_versions') }}
),

versions as (
    select * from {{ ref('int_product_versions') }}
),

found_usage as (
    select * from {{ ref('fact_supply_usage') }}
),

found_refunds as (
    select * from {{ ref('fact_refunds') }}
),

found_counts as (
    select * from {{ ref('fact_stock_counts') }}
),

found_recipes as (
    select * from {{ ref('bridge_products_supplies') }}
),

found_versions as (
    select * from {{ ref('dim_product_versions') }}
),

orders as (
    select * from {{ ref('int_orders_enriched') }}
),

differing as (
    select 'supply usage' as what
    from supply_usage
    full outer join found_usage
        on found_usage.store_id = supply_usage.store_id
        and found_usage.supply_id = supply_usage.supply_id
        and found_usage.usage_date = supply_usage.usage_date
        and found_usage.is_perishable = supply_usage.is_perishable
    where supply_usage.supply_id is null
        or found_usage.supply_id is null
        or found_usage.unit_count <> supply_usage.unit_count
        or found_usage.cost_usd * 100 <> supply_usage.cost_cents

    union all

    select 'refunds' as what
    from refunds
    full outer join found_refunds
        on found_refunds.refund_id = refunds.refund_id
    left join orders
        on orders.order_id = refunds.order_id
    where refunds.refund_id is null
        or found_refunds.refund_id is null
        or found_refunds.order_id <> refunds.order_id
        or coalesce(found_refunds.item_id, '') <> coalesce(refunds.item_id, '')
        or coalesce(found_refunds.customer_id, '') <> coalesce(orders.customer_id, '')
        or coalesce(found_refunds.store_id, '') <> coalesce(orders.store_id, '')
        or coalesce(found_refunds.refund_reason, '') <> coalesce(refunds.refund_reason, '')
        or found_refunds.refunds_usd * 100 <> refunds.refund_cents
        or found_refunds.tax_refunded_usd * 100 <> refunds.tax_refunded_cents
        or found_refunds.is_order_known <> (orders.order_id is not null)
        or found_refunds.refunded_date <> cast(refunds.refunded_at as date)
        or found_refunds.refunded_at <> refunds.refunded_at

    union all

    select 'stock counts' as what
    from stock_counts
    full outer join found_counts
        on found_counts.store_id = stock_counts.store_id
        and found_counts.supply_id = stock_counts.supply_id
        and found_counts.counted_at = stock_counts.counted_at
    where stock_counts.store_id is null
        or found_counts.store_id is null
        or found_counts.unit_count <> stock_counts.unit_count
        or found_counts.counted_date <> cast(stock_counts.counted_at as date)

    union all

    select 'recipes' as what
    from recipes
    full outer join found_recipes
        on found_recipes.product_id = recipes.product_id
        and found_recipes.supply_id = recipes.supply_id
        and found_recipes.valid_from_date = recipes.valid_from_date
    where recipes.product_id is null
        or found_recipes.product_id is null
        or found_recipes.is_perishable <> recipes.is_perishable
        or found_recipes.is_current <> (recipes.valid_to_date = {{ open_end() }})
        or found_recipes.cost_usd * 100 <> recipes.cost_cents
        or found_recipes.valid_to_date <> recipes.valid_to_date

    union all

    select 'product versions' as what
    from versions
    full outer join found_versions
        on found_versions.product_id = versions.product_id
        and found_versions.valid_from_date = versions.valid_from_date
    where versions.product_id is null
        or found_versions.product_id is null
        or found_versions.product_name <> versions.product_name
        or found_versions.product_type <> versions.product_type
        or found_versions.price_usd * 100 <> versions.price_cents
        or found_versions.valid_to_date <> versions.valid_to_date
)

select what
from differing
