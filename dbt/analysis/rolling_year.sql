with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

-- the same day of this month and of the 12 months before it, each with the day before its year begins
years as (
    select
        cast({{ dbt.dateadd(
            'month', '1 - cast(numbers.generated_number as integer)', 'as_of.as_of_date'
        ) }} as date) as as_of_date,
        cast({{ dbt.dateadd(
            'month', '-11 - cast(numbers.generated_number as integer)', 'as_of.as_of_date'
        ) }} as date) as year_before_date
    from ({{ dbt.generate_series(13) }}) as numbers
    cross join as_of
    where as_of.as_of_date is not null
),

openings as (
    select
        store_id,
        min(order_date) as first_order_date
    from orders
    group by store_id
),

beginning as (
    select min(first_order_date) as first_order_date
    from openings
),

comparable_stores as (
    select stores.store_id
    from stores
    cross join as_of
    inner join openings
        on openings.store_id = stores.store_id
    where {{ was_open_in_both_years('openings.first_order_date') }}
),

comparable as (
    select cast(count(*) as bigint) as store_count
    from comparable_stores
),

figures as (
    select
        years.as_of_date,
        years.year_before_date,
        cast(count(orders.order_id) as bigint) as order_count,
        cast(count(distinct orders.customer_id) as bigint) as customer_count,
        cast(count(distinct orders.store_id) as bigint) as store_count,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd,
        {{ sum_usd('orders.margin_usd') }} as margin_usd,
        {{ sum_usd('case when comparable_stores.store_id is not null then orders.subtotal_usd end') }}
            as comparable_net_sales_usd
    from years
    left join orders
        on orders.order_date > years.year_before_date
        and orders.order_date <= years.as_of_date
    left join comparable_stores
        on comparable_stores.store_id = orders.store_id
    group by years.as_of_date, years.year_before_date
),

final as (
    select
        figures.as_of_date,
        beginning.first_order_date <= {{ dbt.dateadd('day', 1, 'figures.year_before_date') }} as is_whole_year,
        figures.order_count,
        figures.customer_count,
        figures.store_count,
        figures.net_sales_usd,
        figures.margin_usd,
        {{ ratio('figures.margin_usd', 'figures.net_sales_usd') }} as margin_ratio,
        comparable.store_count as comparable_store_count,
        figures.comparable_net_sales_usd
    from figures
    cross join beginning
    cross join comparable
)

select
    as_of_date,
    is_whole_year,
    order_count,
    customer_count,
    store_count,
    net_sales_usd,
    margin_usd,
    margin_ratio,
    comparable_store_count,
    comparable_net_sales_usd
from final
order by as_of_date asc
