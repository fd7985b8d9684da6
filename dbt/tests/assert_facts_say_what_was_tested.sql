{#- The facts are the intermediate models in dollars: row by row, every key, amount and date. An amount in dollars and the
    same in cents are one whole number to DuckDB, and have one hash; if they had two, the rows would be joined. -#}
{%- set orders_sum = row_sum(ref('int_orders_enriched'), [
    'order_id', 'customer_id', 'store_id', 'item_count', 'subtotal_cents', 'tax_paid_cents', 'order_total_cents',
    'item_revenue_cents', 'discount_cents', 'unexplained_cents', 'supply_cost_cents', 'perishable_cost_cents',
    'refund_cents', 'item_revenue_cents - discount_cents - supply_cost_cents', 'subtotal_cents - refund_cents',
    'declared_tax_ratio', 'is_dated_after_delivery', 'is_before_opening', 'order_date', 'ordered_at',
]) -%}
{%- set found_orders_sum = row_sum(ref('fact_orders'), [
    'order_id', 'customer_id', 'store_id', 'item_count', 'subtotal_usd', 'tax_paid_usd',
    'order_total_usd', 'item_net_sales_usd', 'discount_usd',
    'unexplained_usd', 'supply_cost_usd', 'perishable_cost_usd',
    'refunds_usd', 'margin_usd', 'net_sales_after_refunds_usd',
    'declared_tax_ratio', 'is_dated_after_delivery', 'is_before_opening', 'order_date', 'ordered_at',
]) -%}
{%- set items_sum = row_sum(ref('int_order_items'), [
    'item_id', 'order_id', 'customer_id', 'store_id', 'product_id', 'price_cents', 'supply_cost_cents',
    'perishable_cost_cents', 'price_cents - supply_cost_cents', 'is_product_known', 'is_dated_after_delivery',
    'order_date', 'ordered_at',
]) -%}
{%- set found_items_sum = row_sum(ref('fact_orders_items'), [
    'item_id', 'order_id', 'customer_id', 'store_id', 'product_id', 'net_sales_usd',
    'supply_cost_usd', 'perishable_cost_usd', 'margin_usd',
    'is_product_known', 'is_dated_after_delivery', 'order_date', 'ordered_at',
]) -%}
with doubt as (
    {{ find_doubt([(orders_sum, found_orders_sum), (items_sum, found_items_sum)]) }}
),

orders as (
    {{ doubted(ref('int_orders_enriched')) }}
),

order_items as (
    {{ doubted(ref('int_order_items')) }}
),

found_orders as (
    {{ doubted(ref('fact_orders')) }}
),

found_items as (
    {{ doubted(ref('fact_orders_items')) }}
),

differing_orders as (
    select coalesce(orders.order_id, found_orders.order_id) as fact_id
    from orders
    full outer join found_orders
        on found_orders.order_id = orders.order_id
    where orders.order_id is null
        or found_orders.order_id is null
        or coalesce(found_orders.customer_id, '') <> coalesce(orders.customer_id, '')
        or coalesce(found_orders.store_id, '') <> coalesce(orders.store_id, '')
        or found_orders.item_count <> orders.item_count
        or found_orders.subtotal_usd * 100 <> orders.subtotal_cents
        or found_orders.tax_paid_usd * 100 <> orders.tax_paid_cents
        or found_orders.order_total_usd * 100 <> orders.order_total_cents
        or found_orders.item_net_sales_usd * 100 <> orders.item_revenue_cents
        or found_orders.discount_usd * 100 <> orders.discount_cents
        or found_orders.unexplained_usd * 100 <> orders.unexplained_cents
        or found_orders.supply_cost_usd * 100 <> orders.supply_cost_cents
        or found_orders.perishable_cost_usd * 100 <> orders.perishable_cost_cents
        or found_orders.refunds_usd * 100 <> orders.refund_cents
        or found_orders.margin_usd
        <> found_orders.item_net_sales_usd - found_orders.discount_usd - found_orders.supply_cost_usd
        or found_orders.net_sales_after_refunds_usd <> found_orders.subtotal_usd - found_orders.refunds_usd
        or coalesce(found_orders.declared_tax_ratio, -1) <> coalesce(orders.declared_tax_ratio, -1)
        or found_orders.is_dated_after_delivery <> orders.is_dated_after_delivery
        or found_orders.is_before_opening <> orders.is_before_opening
        or found_orders.order_date <> orders.order_date
        or found_orders.ordered_at <> orders.ordered_at
),

differing_items as (
    select coalesce(order_items.item_id, found_items.item_id) as fact_id
    from order_items
    full outer join found_items
        on found_items.item_id = order_items.item_id
    where order_items.item_id is null
        or found_items.item_id is null
        or found_items.order_id <> order_items.order_id
        or coalesce(found_items.customer_id, '') <> coalesce(order_items.customer_id, '')
        or coalesce(found_items.store_id, '') <> coalesce(order_items.store_id, '')
        or coalesce(found_items.product_id, '') <> coalesce(order_items.product_id, '')
        or coalesce(found_items.net_sales_usd * 100, -1) <> coalesce(order_items.price_cents, -1)
        or coalesce(found_items.supply_cost_usd * 100, -1) <> coalesce(order_items.supply_cost_cents, -1)
        or coalesce(found_items.perishable_cost_usd * 100, -1) <> coalesce(order_items.perishable_cost_cents, -1)
        or coalesce(found_items.margin_usd, -1)
        <> coalesce(found_items.net_sales_usd - found_items.supply_cost_usd, -1)
        or found_items.is_product_known <> order_items.is_product_known
        or found_items.is_dated_after_delivery <> order_items.is_dated_after_delivery
        or found_items.order_date <> order_items.order_date
        or found_items.ordered_at <> order_items.ordered_at
)

select fact_id
from differing_orders

union all

select fact_id
from differing_items
