{#- Orders for which a reason is known, an item in quarantine or without a product, are no cause to stop. -#}
{%- set orders_and_files = ref('int_unexplained_orders') -%}  {#- built before this, for the message of a failure -#}
with orders as (
    select * from {{ ref('int_orders_enriched') }}
),

order_items as (
    select * from {{ ref('int_order_items') }}
),

quarantined as (
    select coalesce(sum(rows_quarantined), 0) as item_count
    from {{ source('ops', 'load_ledger') }}
    where table_name = 'raw_items'
),

unpriced as (
    select count(*) as item_count
    from order_items
    where not is_product_known
),

summed as (
    select
        count(*) as order_count,
        coalesce(sum(subtotal_cents), 0) as net_sales_cents,
        coalesce(sum(unexplained_cents), 0) as unexplained_cents,
        count(case when unexplained_cents > 0 then order_id end) as unexplained_order_count
    from orders
)

select summed.*
from summed
cross join quarantined
cross join unpriced
where summed.unexplained_order_count > quarantined.item_count + unpriced.item_count
    and (
        summed.unexplained_cents > {{ var('max_unexplained_ratio') }} * summed.net_sales_cents
        or summed.unexplained_order_count - quarantined.item_count - unpriced.item_count
        > {{ var('max_unexplained_ratio') }} * summed.order_count
    )
