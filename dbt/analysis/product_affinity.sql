{{ config(alias='kpi_product_affinity') }}{# a mart has the name itself, and dbt's catalogue goes by names #}
with pairs as (
    select * from {{ ref('product_affinity') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

final as (
    select pairs.*
    from pairs
    inner join as_of
        on as_of.as_of_date = pairs.as_of_date
)

select
    product_id,
    product_name,
    other_product_id,
    other_product_name,
    order_count,
    support_ratio,
    confidence_ratio,
    lift
from final
order by lift desc, product_id asc, other_product_id asc
