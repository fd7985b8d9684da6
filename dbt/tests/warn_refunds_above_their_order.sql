{{ config(severity='warn') }}

select
    order_id,
    refund_cents,
    {{ cents_to_usd('(refund_cents - subtotal_cents)') }} as amount_usd
from {{ ref('int_orders_enriched') }}
where refund_cents > subtotal_cents
