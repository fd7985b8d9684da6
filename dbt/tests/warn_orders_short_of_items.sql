{{ config(severity='warn') }}

with revenue as (
    {{ item_revenue_per_order() }}
)

select *
from revenue
where item_net_sales_usd < subtotal_usd
