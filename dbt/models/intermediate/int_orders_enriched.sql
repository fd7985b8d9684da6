{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with orders as (
    select * from {{ ref('stg_orders') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('stg_orders') }}
),

order_items as (
    select * from {{ ref('int_order_items') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('int_order_items') }}
),

refunds as (
    select * from {{ ref('stg_refunds') }}
    where {{ is_touched('order_id') }}
        and {{ is_made_since('stg_refunds') }}
),

rates as (
    select * from {{ ref('int_store_rates') }}
),

items_per_order as (
    select
        order_id,
        cast(count(*) as bigint) as item_count,
        cast(sum(price_cents) as bigint) as item_revenue_cents,
        cast(sum(supply_cost_cents) as bigint) as supply_cost_cents,
        cast(sum(perishable_cost_cents) as bigint) as perishable_cost_cents
    from order_items
    group by order_id
),

refunds_per_order as (
    select
        order_id,
        cast(sum(refund_cents) as bigint) as refund_cents
    from refunds
    group by order_id
),

summed as (
    select
        orders.*,
        coalesce(items_per_order.item_count, 0) as item_count,
        coalesce(items_per_order.item_revenue_cents, 0) as item_revenue_cents,
        coalesce(items_per_order.supply_cost_cents, 0) as supply_cost_cents,
        coalesce(items_per_order.perishable_cost_cents, 0) as perishable_cost_cents,
        coalesce(refunds_per_order.refund_cents, 0) as refund_cents
    from orders
    left join items_per_order
        on items_per_order.order_id = orders.order_id
    left join refunds_per_order
        on refunds_per_order.order_id = orders.order_id
),

final as (
    select
        summed.order_id,
        summed.customer_id,
        summed.store_id,

        summed.item_count,

        summed.subtotal_cents,
        summed.tax_paid_cents,
        summed.order_total_cents,
        summed.item_revenue_cents,
        greatest(summed.item_revenue_cents - summed.subtotal_cents, 0) as discount_cents,
        greatest(summed.subtotal_cents - summed.item_revenue_cents, 0) as unexplained_cents,
        summed.supply_cost_cents,
        summed.perishable_cost_cents,
        summed.refund_cents,

        rates.tax_ratio as declared_tax_ratio,

        summed.is_dated_after_delivery,
        coalesce(summed.order_date < cast(rates.opened_at as date), false) as is_before_opening,

        summed.order_date,
        summed.ordered_at,

        {{ touch_number() }} as touch_number
    from summed
    left join rates
        on rates.store_id = summed.store_id
        and rates.valid_from_date <= summed.order_date
        and rates.valid_to_date > summed.order_date
)

select * from final
