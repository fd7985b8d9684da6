-- depends_on: {{ ref('int_build_gate') }}
{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with orders as (
    select * from {{ ref('int_orders_enriched') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('int_orders_enriched') }}
),

final as (
    select
        order_id,
        customer_id,
        store_id,

        item_count,
        {{ cents_to_usd('subtotal_cents') }} as subtotal_usd,
        {{ cents_to_usd('tax_paid_cents') }} as tax_paid_usd,
        {{ cents_to_usd('order_total_cents') }} as order_total_usd,
        {{ cents_to_usd('item_revenue_cents') }} as item_net_sales_usd,
        {{ cents_to_usd('discount_cents') }} as discount_usd,
        {{ cents_to_usd('unexplained_cents') }} as unexplained_usd,
        {{ cents_to_usd('supply_cost_cents') }} as supply_cost_usd,
        {{ cents_to_usd('perishable_cost_cents') }} as perishable_cost_usd,
        {{ cents_to_usd('(item_revenue_cents - discount_cents - supply_cost_cents)') }} as margin_usd,
        {{ cents_to_usd('refund_cents') }} as refunds_usd,
        {{ cents_to_usd('(subtotal_cents - refund_cents)') }} as net_sales_after_refunds_usd,

        declared_tax_ratio,

        is_dated_after_delivery,
        is_before_opening,

        order_date,
        ordered_at,

        touch_number
    from orders
)

select * from final
