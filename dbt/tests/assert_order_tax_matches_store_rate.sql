with orders as (
    select * from {{ ref('stg_orders') }}
),

stores as (
    select * from {{ ref('stg_stores') }}
)

select
    orders.order_id,
    orders.subtotal_cents,
    orders.tax_paid_cents,
    stores.tax_ratio
from orders
inner join stores
    on stores.store_id = orders.store_id
where abs(orders.tax_paid_cents - orders.subtotal_cents * stores.tax_ratio) > 1
