-- depends_on: {{ ref('int_build_gate') }}
with supplies as (
    select * from {{ ref('int_supplies') }}
),

final as (
    select
        supply_id,

        supply_name,

        is_perishable,

        lead_time_days,
        shelf_life_days,

        last_delivered_date
    from supplies
)

select * from final
