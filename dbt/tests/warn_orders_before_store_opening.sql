{{ config(severity='warn') }}

select
    order_id,
    order_date,
    {{ cents_to_usd('subtotal_cents') }} as amount_usd
from {{ ref('int_orders_enriched') }}
where is_before_opening
