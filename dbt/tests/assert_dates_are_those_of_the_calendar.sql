{#- Each column of dim_date, found another way: by counting days from a Monday and months from a year. -#}
with days as (
    select
        *,
        {{ dbt.datediff("cast('1900-01-01' as date)", 'date_day', 'day') }} as day_count,
        lag(date_day) over (order by date_day) as day_before
    from {{ ref('dim_date') }}
)

select date_day
from days
where day_of_week_number <> mod(day_count, 7) + 1
    or is_weekend <> (mod(day_count, 7) >= 5)
    or coalesce(day_name, '') <> case mod(day_count, 7)
        when 0 then 'Monday'
        when 1 then 'Tuesday'
        when 2 then 'Wednesday'
        when 3 then 'Thursday'
        when 4 then 'Friday'
        when 5 then 'Saturday'
        else 'Sunday'
    end
    or {{ dbt.datediff('week_start_date', 'date_day', 'day') }} <> mod(day_count, 7)
    or {{ dbt.datediff('month_start_date', 'date_day', 'day') }} <> day_of_month_number - 1
    or {{ dbt.datediff("cast('1900-01-01' as date)", 'month_start_date', 'month') }}
    <> (year_number - 1900) * 12 + month_number - 1
    or quarter_number <> case
        when month_number <= 3 then 1
        when month_number <= 6 then 2
        when month_number <= 9 then 3
        else 4
    end
    or {{ dbt.datediff('day_before', 'date_day', 'day') }} <> 1
