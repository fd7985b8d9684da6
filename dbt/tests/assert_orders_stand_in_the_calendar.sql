{#- Every order but those that are dated after their delivery, and those more than 100 years old, has its day in dim_date. -#}
with orders as (
    select * from {{ ref('fact_orders') }}
    where not is_dated_after_delivery
),

days as (
    select * from {{ ref('dim_date') }}
),

oldest as (
    select {{ dbt.dateadd('month', -1199, 'max(order_date)') }} as first_date
    from orders
)

select orders.order_id
from orders
cross join oldest
left join days
    on days.date_day = orders.order_date
where days.date_day is null
    and orders.order_date >= oldest.first_date
