with customers as (
    select * from {{ ref('int_customers') }}
),

orders as (
    select
        order_id,
        customer_id,
        order_date,
        subtotal_usd
    from {{ ref('fact_orders') }}
),

statuses as (
    {{ customer_classes(ref('customers_status')) }}
),

as_of as (
    {{ last_closed_month(ref('fact_orders')) }}
),

sales as (
    {{ customer_sales('customers') }}
),

final as (
    select
        customers.customer_id,

        customers.customer_name,
        sales.customer_status,

        sales.order_count,
        sales.order_count_last_year,
        sales.net_sales_usd,
        sales.net_sales_last_year_usd,

        sales.first_order_date,
        sales.last_order_date,
        as_of.as_of_date,
        customers.last_delivered_date
    from customers
    inner join sales
        on sales.customer_id = customers.customer_id
    cross join as_of
)

select * from final
