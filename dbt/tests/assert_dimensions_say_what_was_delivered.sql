{#- The dimensions are the newest records in dollars, column by column. -#}
with products as (
    select * from {{ ref('int_products') }}
),

stores as (
    select * from {{ ref('int_stores') }}
),

supplies as (
    select * from {{ ref('int_supplies') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

found_products as (
    select * from {{ ref('dim_products') }}
),

found_stores as (
    select * from {{ ref('dim_stores') }}
),

found_supplies as (
    select * from {{ ref('dim_supplies') }}
),

found_customers as (
    select * from {{ ref('dim_customers') }}
),

differing as (
    select coalesce(products.product_id, found_products.product_id) as dimension_id
    from products
    full outer join found_products
        on found_products.product_id = products.product_id
    where products.product_id is null
        or found_products.product_id is null
        or found_products.product_name <> products.product_name
        or found_products.product_type <> products.product_type
        or coalesce(found_products.product_description, '') <> coalesce(products.product_description, '')
        or found_products.supply_count <> products.supply_count
        or found_products.perishable_supply_count <> products.perishable_supply_count
        or found_products.price_usd * 100 <> products.price_cents
        or found_products.supply_cost_usd * 100 <> products.supply_cost_cents
        or found_products.perishable_cost_usd * 100 <> products.perishable_cost_cents
        or found_products.margin_usd <> found_products.price_usd - found_products.supply_cost_usd
        or found_products.last_delivered_date <> products.last_delivered_date

    union all

    select coalesce(stores.store_id, found_stores.store_id) as dimension_id
    from stores
    full outer join found_stores
        on found_stores.store_id = stores.store_id
    where stores.store_id is null
        or found_stores.store_id is null
        or found_stores.store_name <> stores.store_name
        or coalesce(found_stores.time_zone, '') <> coalesce(stores.time_zone, '')
        or found_stores.tax_ratio <> stores.tax_ratio
        or found_stores.opened_at <> stores.opened_at
        or found_stores.opened_date <> cast(stores.opened_at as date)
        or found_stores.last_delivered_date <> stores.last_delivered_date

    union all

    select coalesce(supplies.supply_id, found_supplies.supply_id) as dimension_id
    from supplies
    full outer join found_supplies
        on found_supplies.supply_id = supplies.supply_id
    where supplies.supply_id is null
        or found_supplies.supply_id is null
        or found_supplies.supply_name <> supplies.supply_name
        or found_supplies.is_perishable <> supplies.is_perishable
        or found_supplies.lead_time_days <> supplies.lead_time_days
        or coalesce(found_supplies.shelf_life_days, -1) <> coalesce(supplies.shelf_life_days, -1)
        or (found_supplies.shelf_life_days is not null and not found_supplies.is_perishable)

    union all

    select coalesce(customers.customer_id, found_customers.customer_id) as dimension_id
    from customers
    full outer join found_customers
        on found_customers.customer_id = customers.customer_id
    where customers.customer_id is null
        or found_customers.customer_id is null
        or found_customers.customer_name <> customers.customer_name
        or found_customers.last_delivered_date <> customers.last_delivered_date
        or found_customers.order_count_last_year > found_customers.order_count
        or found_customers.net_sales_last_year_usd > found_customers.net_sales_usd
        or found_customers.first_order_date > found_customers.last_order_date
        or found_customers.last_order_date > found_customers.as_of_date
)

select dimension_id
from differing
