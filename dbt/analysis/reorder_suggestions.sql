{{ config(alias='kpi_reorder_suggestions') }}{# a mart has the name itself, and dbt's catalogue goes by names #}
with suggestions as (
    select * from {{ ref('reorder_suggestions') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

final as (
    select suggestions.*
    from suggestions
    inner join as_of
        on as_of.as_of_date = suggestions.as_of_date
)

select
    store_id,
    store_name,
    supply_id,
    supply_name,
    is_perishable,
    units_on_hand,
    demand_unit_count,
    demand_low_unit_count,
    demand_high_unit_count,
    lead_time_days,
    shelf_life_days,
    suggested_order_unit_count,
    expected_waste_unit_count,
    method,
    backtest_error_ratio
from final
order by store_id asc, supply_id asc
