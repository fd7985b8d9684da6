-- depends_on: {{ ref('int_build_gate') }}
{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with order_items as (
    select * from {{ ref('int_order_items') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('int_order_items') }}
),

final as (
    select
        item_id,
        order_id,
        customer_id,
        store_id,
        product_id,

        {{ cents_to_usd('price_cents') }} as net_sales_usd,
        {{ cents_to_usd('supply_cost_cents') }} as supply_cost_usd,
        {{ cents_to_usd('perishable_cost_cents') }} as perishable_cost_usd,
        {{ cents_to_usd('(price_cents - supply_cost_cents)') }} as margin_usd,

        is_product_known,
        is_dated_after_delivery,

        order_date,
        ordered_at,

        touch_number
    from order_items
)

select * from final
