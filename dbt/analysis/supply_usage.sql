with usage_days as (
    select * from {{ ref('fact_supply_usage') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

supplies as (
    select * from {{ ref('dim_supplies') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

usage_of_last_year as (
    select
        usage_days.store_id,
        usage_days.supply_id,
        cast(sum(usage_days.unit_count) as bigint) as unit_count,
        {{ sum_usd('usage_days.cost_usd') }} as cost_usd
    from usage_days
    cross join as_of
    where {{ is_in_last_year('usage_days.usage_date') }}
    group by usage_days.store_id, usage_days.supply_id
),

open_days as (
    select
        orders.store_id,
        cast(count(distinct orders.order_date) as bigint) as open_day_count
    from orders
    cross join as_of
    where {{ is_in_last_year('orders.order_date') }}
    group by orders.store_id
),

final as (
    select
        usage_of_last_year.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        usage_of_last_year.supply_id,
        coalesce(supplies.supply_name, '(unknown supply)') as supply_name,
        supplies.is_perishable,
        usage_of_last_year.unit_count,
        usage_of_last_year.cost_usd,
        {{ ratio('usage_of_last_year.unit_count', 'open_days.open_day_count') }} as units_per_open_day
    from usage_of_last_year
    inner join open_days
        on open_days.store_id = usage_of_last_year.store_id
    left join stores
        on stores.store_id = usage_of_last_year.store_id
    left join supplies
        on supplies.supply_id = usage_of_last_year.supply_id
)

select
    store_id,
    store_name,
    supply_id,
    supply_name,
    is_perishable,
    unit_count,
    cost_usd,
    units_per_open_day
from final
order by store_id asc, supply_id asc
