with orders as (
    select * from {{ ref('fact_orders') }}
),

refunds as (
    select * from {{ ref('fact_refunds') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

months as (
    {{ months_until('as_of', 'orders') }}
),

-- the same days of the year before: those that a month's own days are 12 months after
compared_months as (
    select
        month_start_date,
        is_complete,
        first_month_start_date,
        {{ months_before(12, 'month_start_date') }} as previous_start_date,
        {{ months_before(12, 'last_counted_date') }} as previous_last_date
    from months
),

days as (
    select
        order_date,
        {{ month_start('order_date') }} as month_start_date,
        cast(count(*) as bigint) as order_count,
        cast(sum(item_count) as bigint) as item_count,
        {{ sum_usd('subtotal_usd') }} as net_sales_usd
    from orders
    group by order_date
),

refund_days as (
    select
        refunded_date,
        {{ month_start('refunded_date') }} as month_start_date,
        {{ sum_usd('refunds_usd') }} as refunds_usd
    from refunds
    group by refunded_date
),

sales as (
    select
        months.month_start_date,
        cast(coalesce(sum(days.order_count), 0) as bigint) as order_count,
        cast(coalesce(sum(days.item_count), 0) as bigint) as item_count,
        {{ sum_usd('days.net_sales_usd') }} as net_sales_usd
    from months
    left join days
        on days.month_start_date = months.month_start_date
        and days.order_date <= months.last_counted_date
    group by months.month_start_date
),

previous_sales as (
    select
        months.month_start_date,
        {{ sum_usd('days.net_sales_usd') }} as net_sales_usd
    from compared_months as months
    left join days
        on days.month_start_date = months.previous_start_date
        and days.order_date <= months.previous_last_date
    group by months.month_start_date
),

refunded as (
    select
        months.month_start_date,
        {{ sum_usd('refund_days.refunds_usd') }} as refunds_usd
    from months
    left join refund_days
        on refund_days.month_start_date = months.month_start_date
        and refund_days.refunded_date <= months.last_counted_date
    group by months.month_start_date
),

compared as (
    select
        months.month_start_date,
        months.is_complete,
        sales.order_count,
        sales.item_count,
        sales.net_sales_usd,
        refunded.refunds_usd,
        case
            when months.previous_start_date >= months.first_month_start_date then previous_sales.net_sales_usd
        end as net_sales_previous_year_usd
    from compared_months as months
    inner join sales
        on sales.month_start_date = months.month_start_date
    inner join previous_sales
        on previous_sales.month_start_date = months.month_start_date
    inner join refunded
        on refunded.month_start_date = months.month_start_date
),

final as (
    select
        month_start_date,
        is_complete,
        order_count,
        item_count,
        net_sales_usd,
        refunds_usd,
        net_sales_previous_year_usd,
        {{ ratio('(net_sales_usd - net_sales_previous_year_usd)', 'net_sales_previous_year_usd') }} as growth_ratio
    from compared
)

select
    month_start_date,
    is_complete,
    order_count,
    item_count,
    net_sales_usd,
    refunds_usd,
    net_sales_previous_year_usd,
    growth_ratio
from final
order by month_start_date asc
