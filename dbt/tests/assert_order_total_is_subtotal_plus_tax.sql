select
    order_id,
    subtotal_usd,
    tax_paid_usd,
    order_total_usd
from {{ ref('fact_orders') }}
where order_total_usd <> subtotal_usd + tax_paid_usd
