with orders as (
    select * from {{ ref('fact_orders') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

sales as (
    select
        orders.customer_id,
        cast(count(*) as bigint) as order_count,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd,
        {{ sum_usd('orders.order_total_usd') }} as gross_sales_usd
    from orders
    cross join as_of
    where {{ is_in_last_year('orders.order_date') }}
    group by orders.customer_id
),

total as (
    select {{ sum_usd('net_sales_usd') }} as net_sales_usd
    from sales
),

final as (
    select
        sales.customer_id,
        coalesce(customers.customer_name, '(unknown customer)') as customer_name,
        sales.order_count,
        sales.net_sales_usd,
        sales.gross_sales_usd,
        coalesce({{ ratio('sales.net_sales_usd', 'total.net_sales_usd') }}, 0) as share_of_net_sales_ratio
    from sales
    cross join total
    left join customers
        on customers.customer_id = sales.customer_id
)

select
    customer_id,
    customer_name,
    order_count,
    net_sales_usd,
    gross_sales_usd,
    share_of_net_sales_ratio
from final
order by net_sales_usd desc, customer_id asc
