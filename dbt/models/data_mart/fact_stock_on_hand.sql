-- depends_on: {{ ref('int_build_gate') }}
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

as_of as (
    select as_of_date from {{ ref('int_build_gate') }}
),

{{ counts_and_use_since() }},

final as (
    select
        newest_counts.store_id,
        newest_counts.supply_id,

        newest_counts.unit_count,
        {{ used_since_count() }} as used_since_count,
        newest_counts.unit_count - ({{ used_since_count() }}) as on_hand_unit_count,

        newest_counts.counted_date,
        newest_counts.counted_at
    from newest_counts
    left join used_on_day
        on used_on_day.store_id = newest_counts.store_id
        and used_on_day.supply_id = newest_counts.supply_id
    left join used_on_later_days
        on used_on_later_days.store_id = newest_counts.store_id
        and used_on_later_days.supply_id = newest_counts.supply_id
)

select * from final
