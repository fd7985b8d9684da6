-- A suggestion twice or missing, of another day, of other units, outside its interval, or of more waste than there are units.

with suggestions as (
    select * from {{ ref('reorder_suggestions') }}
),

forecasts as (
    select * from {{ ref('demand_forecasts') }}
    where days_ahead = 28
),

stock as (
    select * from {{ ref('fact_stock_on_hand') }}
),

gate as (
    select * from {{ ref('int_build_gate') }}
),

known as (
    select
        coalesce(forecasts.store_id, stock.store_id) as store_id,
        coalesce(forecasts.supply_id, stock.supply_id) as supply_id,
        forecasts.expected_units_until_day,
        stock.on_hand_unit_count
    from forecasts
    full outer join stock
        on stock.store_id = forecasts.store_id
        and stock.supply_id = forecasts.supply_id
),

counted as (
    select
        suggestions.*,
        count(*) over (partition by store_id, supply_id) as pair_count
    from suggestions
),

final as (
    select
        known.store_id,
        known.supply_id
    from known
    full outer join counted
        on counted.store_id = known.store_id
        and counted.supply_id = known.supply_id
    cross join gate
    where known.store_id is null
        or counted.store_id is null
        or counted.pair_count <> 1
        or counted.as_of_date <> gate.as_of_date
        or coalesce(counted.units_on_hand, -1000000) <> coalesce(known.on_hand_unit_count, -1000000)
        or abs(coalesce(counted.demand_unit_count, -1) - coalesce(known.expected_units_until_day, -1)) > 0.51
        or not counted.demand_unit_count between counted.demand_low_unit_count and counted.demand_high_unit_count
        or counted.suggested_order_unit_count < 0
        or counted.expected_waste_unit_count < 0
        or (
            counted.expected_waste_unit_count
            > counted.suggested_order_unit_count + case when counted.units_on_hand > 0 then counted.units_on_hand else 0 end
        )
)

select * from final
