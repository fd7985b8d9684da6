with known_customers as (
    select * from {{ ref('dim_customers') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

refunds as (
    select * from {{ ref('fact_refunds') }}
),

statuses as (
    {{ customer_classes(ref('customers_status')) }}
),

as_of as (
    {{ as_of_period('orders') }}
),

customers as (
    select customer_id
    from known_customers

    union

    select orders.customer_id
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }}
),

sales as (
    {{ customer_sales('customers') }}
),

refunded as (
    select
        refunds.customer_id,
        {{ sum_usd('refunds.refunds_usd') }} as refunds_usd
    from refunds
    cross join as_of
    where {{ is_in_last_year('refunds.refunded_date') }}
    group by refunds.customer_id
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

sales_per_class as (
    select
        classes.customer_status,
        classes.min_net_sales_usd,
        cast(count(sales.customer_id) as bigint) as customer_count,
        {{ sum_usd('sales.net_sales_last_year_usd') }} as net_sales_last_year_usd,
        {{ sum_usd('sales.net_sales_usd') }} as net_sales_all_time_usd,
        {{ sum_usd('refunded.refunds_usd') }} as refunds_usd
    from classes
    left join sales
        on sales.customer_status = classes.customer_status
    left join refunded
        on refunded.customer_id = sales.customer_id
    group by classes.customer_status, classes.min_net_sales_usd
),

total as (
    select {{ sum_usd('net_sales_last_year_usd') }} as net_sales_last_year_usd
    from sales_per_class
),

final as (
    select
        sales_per_class.customer_status,
        sales_per_class.min_net_sales_usd,
        sales_per_class.customer_count,
        sales_per_class.net_sales_last_year_usd,
        sales_per_class.net_sales_all_time_usd,
        coalesce(
            {{ ratio('sales_per_class.net_sales_last_year_usd', 'total.net_sales_last_year_usd') }}, 0
        ) as share_of_net_sales_ratio,
        sales_per_class.refunds_usd,
        cast(sales_per_class.net_sales_last_year_usd - sales_per_class.refunds_usd as decimal(18, 2))
            as net_sales_after_refunds_usd
    from sales_per_class
    cross join total
)

select
    customer_status,
    customer_count,
    net_sales_last_year_usd,
    net_sales_all_time_usd,
    share_of_net_sales_ratio,
    refunds_usd,
    net_sales_after_refunds_usd
from final
order by min_net_sales_usd desc nulls last, customer_status asc
