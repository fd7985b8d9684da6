with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

sales as (
    select
        orders.store_id,
        {{ sum_usd('orders.tax_paid_usd') }} as tax_usd,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd,
        sum(orders.subtotal_usd * orders.declared_tax_ratio) as declared_tax_usd,
        cast(count(*) - count(orders.declared_tax_ratio) as bigint) as unknown_rate_count
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }}
    group by orders.store_id
),

per_store as (
    select
        sales.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        sales.tax_usd,
        sales.net_sales_usd,
        sales.declared_tax_usd,
        sales.unknown_rate_count
    from sales
    left join stores
        on stores.store_id = sales.store_id
),

store_rows as (
    select
        store_id,
        store_name,
        tax_usd,
        net_sales_usd,
        declared_tax_usd,
        unknown_rate_count,
        0 as is_total
    from per_store
),

total_row as (
    select
        cast(null as varchar(64)) as store_id,
        cast('All stores' as varchar(256)) as store_name,
        {{ sum_usd('tax_usd') }} as tax_usd,
        {{ sum_usd('net_sales_usd') }} as net_sales_usd,
        sum(declared_tax_usd) as declared_tax_usd,
        cast(sum(unknown_rate_count) as bigint) as unknown_rate_count,
        1 as is_total
    from per_store
),

store_and_total_rows as (
    select * from store_rows
    union all
    select * from total_row
),

rates as (
    select
        store_id,
        store_name,
        tax_usd,
        net_sales_usd,
        case when unknown_rate_count = 0 then {{ ratio('declared_tax_usd', 'net_sales_usd') }} end
            as declared_tax_ratio,
        is_total
    from store_and_total_rows
),

final as (
    select
        store_id,
        store_name,
        tax_usd,
        net_sales_usd,
        {{ ratio('tax_usd', 'net_sales_usd') }} as effective_tax_ratio,
        declared_tax_ratio,
        round({{ ratio('tax_usd', 'net_sales_usd') }} - declared_tax_ratio, 10) as difference_ratio,
        is_total
    from rates
)

select
    store_id,
    store_name,
    tax_usd,
    net_sales_usd,
    effective_tax_ratio,
    declared_tax_ratio,
    difference_ratio
from final
order by is_total asc, store_name asc, store_id asc
