{{ config(severity='warn') }}

select
    order_id,
    file_name,
    {{ cents_to_usd('unexplained_tax_cents') }} as amount_usd
from {{ ref('int_unexplained_orders') }}
where unexplained_tax_cents > 0
