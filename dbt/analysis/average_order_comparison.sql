with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

last_year_orders as (
    select
        orders.store_id,
        orders.customer_id,
        orders.subtotal_usd,
        orders.item_count
    from orders
    cross join as_of
    where {{ is_in_last_year('orders.order_date') }}
),

orders_of_stores_and_of_all as (
    select
        last_year_orders.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        last_year_orders.customer_id,
        last_year_orders.subtotal_usd,
        last_year_orders.item_count,
        0 as is_total
    from last_year_orders
    left join stores
        on stores.store_id = last_year_orders.store_id

    union all

    select
        cast(null as varchar(64)) as store_id,
        cast('All stores' as varchar(256)) as store_name,
        last_year_orders.customer_id,
        last_year_orders.subtotal_usd,
        last_year_orders.item_count,
        1 as is_total
    from last_year_orders
),

empty_orders as (
    select
        is_total,
        store_id,
        cast(count(*) as bigint) as order_count
    from orders_of_stores_and_of_all
    where item_count = 0
    group by is_total, store_id
),

customers as (
    select
        is_total,
        store_id,
        store_name,
        customer_id,
        cast(count(*) as double precision) as order_count,
        cast({{ sum_usd('subtotal_usd') }} as double precision) as net_sales_usd
    from orders_of_stores_and_of_all
    where item_count > 0
    group by is_total, store_id, store_name, customer_id
),

means as (
    select
        is_total,
        store_id,
        {{ average_usd('subtotal_usd') }} as average_order_net_usd,
        cast(count(*) as double precision) as order_count,
        cast({{ sum_usd('subtotal_usd') }} as double precision) as net_sales_usd
    from orders_of_stores_and_of_all
    where item_count > 0
    group by is_total, store_id
),

{# The part of its store's orders that a customer placed, and how far their orders lie off its mean. #}
clusters as (
    select
        customers.is_total,
        customers.store_id,
        customers.store_name,
        means.average_order_net_usd,
        means.order_count,
        means.net_sales_usd,
        {{ quotient('customers.order_count', 'means.order_count') }} as leverage,
        customers.net_sales_usd
        - {{ quotient('means.net_sales_usd', 'means.order_count') }} * customers.order_count as residual_usd
    from customers
    inner join means
        on
            means.is_total = customers.is_total
            and coalesce(means.store_id, '') = coalesce(customers.store_id, '')
),

weighed as (
    select
        *,
        leverage * leverage as squared_leverage,
        {{ quotient('leverage * leverage', '1 - leverage') }} as weight,
        {{ quotient('residual_usd * residual_usd', '1 - leverage') }} as squared_residual
    from clusters
),

per_store as (
    select
        is_total,
        store_id,
        store_name,
        average_order_net_usd,
        order_count,
        net_sales_usd,
        cast(count(*) as bigint) as customer_count,
        sqrt(sum(squared_residual)) as deviation_usd,
        sum(squared_leverage) + sum(weight) * sum(weight) - sum(weight * weight) as inverse_degrees
    from weighed
    group by is_total, store_id, store_name, average_order_net_usd, order_count, net_sales_usd
),

final as (
    select
        per_store.store_id,
        per_store.store_name,
        per_store.customer_count,
        cast(per_store.order_count as bigint) as order_count,
        coalesce(empty_orders.order_count, 0) as order_without_items_count,
        per_store.average_order_net_usd,
        case when per_store.customer_count > 1 then {{ ratio('per_store.deviation_usd', 'per_store.net_sales_usd') }} end
            as standard_error_ratio,
        case when per_store.customer_count > 1 then {{ ratio('1', 'per_store.inverse_degrees') }} end
            as degrees_of_freedom,
        per_store.is_total
    from per_store
    left join empty_orders
        on
            empty_orders.is_total = per_store.is_total
            and coalesce(empty_orders.store_id, '') = coalesce(per_store.store_id, '')
)

select
    store_id,
    store_name,
    customer_count,
    order_count,
    order_without_items_count,
    average_order_net_usd,
    standard_error_ratio,
    degrees_of_freedom
from final
order by is_total asc, average_order_net_usd desc, store_id asc
