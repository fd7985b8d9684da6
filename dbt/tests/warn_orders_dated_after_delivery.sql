{{ config(severity='warn') }}

select
    order_id,
    order_date,
    {{ cents_to_usd('subtotal_cents') }} as amount_usd
from {{ ref('stg_orders') }}
where is_dated_after_delivery
