with staged as (
    select * from {{ ref('stg_orders') }}
),

enriched as (
    select * from {{ ref('int_orders_enriched') }}
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
