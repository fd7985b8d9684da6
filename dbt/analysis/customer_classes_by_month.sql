with orders as (
    select * from {{ ref('fact_orders') }}
),

statuses as (
    {{ customer_classes(ref('customers_status')) }}
),

last_day as (
    {{ as_of_period('orders') }}
),

months as (
    {{ months_until('last_day', 'orders') }}
),

as_of as (
    select
        last_counted_date as as_of_date,
        {{ months_before(12, 'last_counted_date') }} as year_before_date
    from months
),

customers as (
    select distinct customer_id
    from orders
),

sales as (
    {{ customer_sales('customers') }}
),

classes as (
    select
        customer_status,
        min_net_sales_usd
    from statuses

    union all

    select
        {{ inactive_status() }} as customer_status,
        cast(null as decimal(18, 2)) as min_net_sales_usd
),

final as (
    select
        as_of.as_of_date,
        classes.customer_status,
        classes.min_net_sales_usd,
        cast(count(sales.customer_id) as bigint) as customer_count,
        {{ sum_usd('sales.net_sales_last_year_usd') }} as net_sales_last_year_usd
    from as_of
    cross join classes
    left join sales
        on sales.as_of_date = as_of.as_of_date
        and sales.customer_status = classes.customer_status
        and sales.order_count > 0
    group by as_of.as_of_date, classes.customer_status, classes.min_net_sales_usd
)

select
    as_of_date,
    customer_status,
    customer_count,
    net_sales_last_year_usd
from final
order by as_of_date asc, min_net_sales_usd asc nulls first, customer_status asc
