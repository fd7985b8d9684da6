{#- Counted by the file, which every order has: of two tables as long, DuckDB keeps the narrower one in memory, and that is
    to be the few. -#}
with orders as (
    select * from {{ ref('int_orders_enriched') }}
),

unexplained as (
    select * from {{ ref('int_unexplained_orders') }}
),

summed as (
    select
        count(*) as order_count,
        coalesce(sum(tax_paid_cents), 0) as tax_cents
    from orders
),

excess as (
    select
        count(file_name) as order_count,
        coalesce(sum(unexplained_tax_cents), 0) as tax_cents
    from unexplained
    where unexplained_tax_cents > 0
)

select
    excess.order_count,
    excess.tax_cents
from summed
cross join excess
where excess.tax_cents > {{ var('max_unexplained_ratio') }} * summed.tax_cents
    or excess.order_count > {{ var('max_unexplained_ratio') }} * summed.order_count
