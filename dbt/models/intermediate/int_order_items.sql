with items as (
    select * from {{ ref('stg_items') }}
),

orders as (
    select * from {{ ref('stg_orders') }}
),

products as (
    select * from {{ ref('stg_products') }}
),

supplies as (
    select * from {{ ref('int_supplies_per_product') }}
),

final as (
    select
        items.item_id,
        items.order_id,
        items.product_id,
        orders.customer_id,
        orders.store_id,

        products.price_cents,
        supplies.supply_cost_cents,
        supplies.perishable_cost_cents,

        products.product_id is not null as is_product_known,

        orders.order_date,
        orders.ordered_at
    from items
    inner join orders
        on orders.order_id = items.order_id
    left join products
        on products.product_id = items.product_id
    left join supplies
        on supplies.product_id = items.product_id
)

select * from final
