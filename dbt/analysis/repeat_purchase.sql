with orders as (
    select * from {{ ref('fact_orders') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

months as (
    {{ months_until('as_of', 'orders') }}
),

purchases as (
    select
        orders.customer_id,
        {{ month_start('orders.order_date') }} as month_start_date,
        {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }}
    group by orders.customer_id, {{ month_start('orders.order_date') }}
),

first_purchases as (
    select
        customer_id,
        min(month_start_date) as cohort_month_start_date
    from purchases
    group by customer_id
),

cohorts as (
    select
        cohort_month_start_date,
        cast(count(*) as bigint) as customer_count
    from first_purchases
    group by cohort_month_start_date
),

cohort_purchases as (
    select
        first_purchases.cohort_month_start_date,
        purchases.month_start_date,
        cast(count(*) as bigint) as customer_count,
        {{ sum_usd('purchases.net_sales_usd') }} as net_sales_usd
    from purchases
    inner join first_purchases
        on first_purchases.customer_id = purchases.customer_id
    group by first_purchases.cohort_month_start_date, purchases.month_start_date
),

cohort_months as (
    select
        cohorts.cohort_month_start_date,
        months.month_start_date,
        cohorts.customer_count as cohort_customer_count,
        coalesce(cohort_purchases.customer_count, 0) as customer_count,
        coalesce(cohort_purchases.net_sales_usd, 0) as net_sales_usd
    from cohorts
    inner join months
        on months.month_start_date >= cohorts.cohort_month_start_date
    left join cohort_purchases
        on cohort_purchases.cohort_month_start_date = cohorts.cohort_month_start_date
        and cohort_purchases.month_start_date = months.month_start_date
),

final as (
    select
        cohort_month_start_date,
        cast({{ dbt.datediff('cohort_month_start_date', 'month_start_date', 'month') }} as bigint)
            as months_since_first_count,
        customer_count,
        {{ ratio('customer_count', 'cohort_customer_count') }} as share_of_cohort_ratio,
        cast(net_sales_usd as decimal(18, 2)) as net_sales_usd
    from cohort_months
)

select
    cohort_month_start_date,
    months_since_first_count,
    customer_count,
    share_of_cohort_ratio,
    net_sales_usd
from final
order by cohort_month_start_date asc, months_since_first_count asc
