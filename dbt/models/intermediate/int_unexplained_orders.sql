{#- Exact decimals of so many digits are dear, so tax is first judged by floating point: an amount of at most 10^15 cents
    is less than half a cent away from its exact value, and what is half a cent off at the most is within one cent. Of two tables as large, DuckDB keeps the latter in memory: the few. -#}
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
            when
                abs(
                    tax_paid_cents
                    - cast(subtotal_cents as double precision) * cast(declared_tax_ratio as double precision)
                ) < 0.5
                then 0
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
    from deliveries
    inner join taxed
        on taxed.order_id = deliveries.order_id
    where taxed.unexplained_cents > 0
        or taxed.unexplained_tax_cents > 0
)

select * from final
