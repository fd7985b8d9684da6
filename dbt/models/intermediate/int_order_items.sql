{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with items as (
    select * from {{ ref('stg_items') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('stg_items') }}
),

orders as (
    select * from {{ ref('stg_orders') }}
    where {{ is_made_since('stg_orders') }}
),

prices as (
    select * from {{ ref('int_product_prices') }}
),

final as (
    select
        items.item_id,
        items.order_id,
        items.product_id,
        orders.customer_id,
        orders.store_id,

        prices.price_cents,
        prices.supply_cost_cents,
        prices.perishable_cost_cents,

        prices.product_id is not null as is_product_known,
        orders.is_dated_after_delivery,

        orders.order_date,
        orders.ordered_at,

        {{ touch_number() }} as touch_number
    from items
    inner join orders
        on orders.order_id = items.order_id
    left join prices
        on prices.product_id = items.product_id
        and prices.valid_from_date <= orders.order_date
        and prices.valid_to_date > orders.order_date
)

select * from final
