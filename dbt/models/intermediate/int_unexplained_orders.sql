with orders as (
    select * from {{ ref('int_orders_enriched') }}
),

deliveries as (
    select * from {{ ref('stg_orders') }}
),

taxed as (
    select
        order_id,
        unexplained_cents,
        case
            when abs(tax_paid_cents - subtotal_cents * declared_tax_ratio) > 1
                then cast(ceil(abs(tax_paid_cents - subtotal_cents * declared_tax_ratio)) as bigint)
            else 0
        end as unexplained_tax_cents
    from orders
),

final as (
    select
        taxed.order_id,

        deliveries.file_name,

        taxed.unexplained_cents,
        cast(taxed.unexplained_tax_cents as bigint) as unexplained_tax_cents
    from taxed
    inner join deliveries
        on deliveries.order_id = taxed.order_id
    where taxed.unexplained_cents > 0
        or taxed.unexplained_tax_cents > 0
)

select * from final
