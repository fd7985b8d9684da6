{%- set staged_sum = row_sum(ref('stg_orders'), [
    'order_id', 'customer_id', 'store_id', 'subtotal_cents', 'tax_paid_cents', 'order_total_cents',
    'cast(ordered_at as date)', 'ordered_at', 'is_dated_after_delivery', 'true',
]) -%}
{%- set is_summed_up -%}
    subtotal_cents + tax_paid_cents = order_total_cents
    and subtotal_cents = item_revenue_cents - discount_cents + unexplained_cents
    and discount_cents >= 0
    and unexplained_cents >= 0
    and (discount_cents = 0 or unexplained_cents = 0)
{%- endset -%}
{%- set enriched_sum = row_sum(ref('int_orders_enriched'), [
    'order_id', 'customer_id', 'store_id', 'subtotal_cents', 'tax_paid_cents', 'order_total_cents',
    'order_date', 'ordered_at', 'is_dated_after_delivery', is_summed_up,
]) -%}
with doubt as (
    {{ find_doubt([(staged_sum, enriched_sum)]) }}
),

staged as (
    {{ doubted(ref('stg_orders')) }}
),

enriched as (
    {{ doubted(ref('int_orders_enriched')) }}
)

select staged.order_id
from staged
inner join enriched
    on enriched.order_id = staged.order_id
where coalesce(enriched.customer_id, '') <> coalesce(staged.customer_id, '')
    or coalesce(enriched.store_id, '') <> coalesce(staged.store_id, '')
    or enriched.subtotal_cents <> staged.subtotal_cents
    or enriched.tax_paid_cents <> staged.tax_paid_cents
    or enriched.order_total_cents <> staged.order_total_cents
    or enriched.subtotal_cents + enriched.tax_paid_cents <> enriched.order_total_cents
    or enriched.order_date <> cast(staged.ordered_at as date)
    or enriched.ordered_at <> staged.ordered_at
    or enriched.is_dated_after_delivery <> staged.is_dated_after_delivery
    or enriched.subtotal_cents
    <> enriched.item_revenue_cents - enriched.discount_cents + enriched.unexplained_cents
    or enriched.discount_cents < 0
    or enriched.unexplained_cents < 0
    or (enriched.discount_cents > 0 and enriched.unexplained_cents > 0)
