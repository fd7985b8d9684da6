-- depends_on: {{ ref('int_build_gate') }}
with refunds as (
    select * from {{ ref('stg_refunds') }}
),

orders as (
    select * from {{ ref('int_orders_enriched') }}
),

final as (
    select
        refunds.refund_id,
        refunds.order_id,
        refunds.item_id,
        orders.customer_id,
        orders.store_id,

        refunds.refund_reason,

        {{ cents_to_usd('refunds.refund_cents') }} as refunds_usd,
        {{ cents_to_usd('refunds.tax_refunded_cents') }} as tax_refunded_usd,

        orders.order_id is not null as is_order_known,

        refunds.refunded_date,
        refunds.refunded_at
    from refunds
    left join orders
        on orders.order_id = refunds.order_id
)

select * from final
