with stock_counts as (
    select * from {{ ref('fact_stock_counts') }}
),

usage_days as (
    select * from {{ ref('fact_supply_usage') }}
),

items as (
    select * from {{ ref('fact_orders_items') }}
),

recipes as (
    select * from {{ ref('bridge_products_supplies') }}
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

{{ counts_and_use_since() }},

store_days as (
    select
        orders.store_id,
        orders.order_date,
        row_number() over (
            partition by orders.store_id
            order by orders.order_date desc
        ) as day_rank
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }}
    group by orders.store_id, orders.order_date
),

open_days as (
    select
        store_id,
        min(order_date) as first_open_date,
        cast(count(*) as bigint) as open_day_count
    from store_days
    where day_rank <= 28
    group by store_id
),

used_on_open_days as (
    select
        usage_days.store_id,
        usage_days.supply_id,
        cast(sum(usage_days.unit_count) as bigint) as unit_count
    from usage_days
    cross join as_of
    inner join open_days
        on open_days.store_id = usage_days.store_id
        and usage_days.usage_date >= open_days.first_open_date
    where {{ is_until_as_of('usage_days.usage_date') }}
    group by usage_days.store_id, usage_days.supply_id
),

stock as (
    select
        newest_counts.store_id,
        newest_counts.supply_id,
        newest_counts.counted_at,
        newest_counts.unit_count,
        {{ used_since_count() }} as used_since_count,
        coalesce(used_on_open_days.unit_count, 0) as used_on_open_days_count,
        open_days.open_day_count
    from newest_counts
    left join used_on_day
        on used_on_day.store_id = newest_counts.store_id
        and used_on_day.supply_id = newest_counts.supply_id
    left join used_on_later_days
        on used_on_later_days.store_id = newest_counts.store_id
        and used_on_later_days.supply_id = newest_counts.supply_id
    left join used_on_open_days
        on used_on_open_days.store_id = newest_counts.store_id
        and used_on_open_days.supply_id = newest_counts.supply_id
    left join open_days
        on open_days.store_id = newest_counts.store_id
),

final as (
    select
        stock.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        stock.supply_id,
        coalesce(supplies.supply_name, '(unknown supply)') as supply_name,
        supplies.is_perishable,
        stock.counted_at,
        stock.unit_count,
        stock.used_since_count,
        stock.unit_count - stock.used_since_count as units_on_hand,
        {{ ratio('stock.used_on_open_days_count', 'stock.open_day_count') }} as units_per_open_day,
        {{ ratio(
            '((stock.unit_count - stock.used_since_count) * stock.open_day_count)', 'stock.used_on_open_days_count'
        ) }} as days_of_supply,
        cast(supplies.lead_time_days as bigint) as lead_time_days,
        cast(supplies.shelf_life_days as bigint) as shelf_life_days
    from stock
    left join stores
        on stores.store_id = stock.store_id
    left join supplies
        on supplies.supply_id = stock.supply_id
)

select
    store_id,
    store_name,
    supply_id,
    supply_name,
    is_perishable,
    counted_at,
    unit_count,
    used_since_count,
    units_on_hand,
    units_per_open_day,
    days_of_supply,
    lead_time_days,
    shelf_life_days
from final
order by store_id asc, supply_id asc
