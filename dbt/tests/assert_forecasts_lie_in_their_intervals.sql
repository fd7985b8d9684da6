-- A forecast twice, off its day, outside its interval, or of a total that is not the sum of its days.

with forecasts as (
    select * from {{ ref('demand_forecasts') }}
),

gate as (
    select * from {{ ref('int_build_gate') }}
),

summed as (
    select
        forecasts.*,
        sum(expected_units) over (
            partition by store_id, supply_id
            order by days_ahead
            rows unbounded preceding
        ) as summed_units,
        count(*) over (partition by store_id, supply_id, days_ahead) as day_count,
        count(*) over (partition by store_id, supply_id) as pair_count
    from forecasts
),

final as (
    select
        summed.store_id,
        summed.supply_id,
        summed.days_ahead
    from summed
    cross join gate
    where summed.day_count <> 1
        or summed.pair_count <> 28
        or not summed.days_ahead between 1 and 28
        or summed.forecast_date <> cast({{ dbt.dateadd('day', 'summed.days_ahead', 'gate.as_of_date') }} as date)
        or not summed.expected_units between summed.low_units and summed.high_units
        or not summed.expected_units_until_day between summed.low_units_until_day and summed.high_units_until_day
        or summed.low_units < 0
        or summed.low_units_until_day < 0
        or abs(summed.summed_units - summed.expected_units_until_day) > 0.001
        or summed.backtest_covered_count > summed.backtest_window_count
)

select * from final
