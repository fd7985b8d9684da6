{{ after_build_gate() }}
with orders as (
    select * from {{ ref('int_orders_enriched') }}
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
        {{ cents_to_usd('supply_cost_cents') }} as supply_cost_usd,
        {{ cents_to_usd('perishable_cost_cents') }} as perishable_cost_usd,
        {{ cents_to_usd('(item_revenue_cents - supply_cost_cents)') }} as margin_usd,

        order_date,
        ordered_at
    from orders
)

select * from final
