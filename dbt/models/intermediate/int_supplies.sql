with newest as (
    {{ newest_records(ref('stg_supplies'), 'supply_id') }}
),

terms as (
    select * from {{ ref('supply_terms') }}
),

final as (
    select
        newest.supply_id,

        newest.supply_name,

        newest.is_perishable,

        coalesce(terms.lead_time_days, usual_terms.lead_time_days) as lead_time_days,
        case when newest.is_perishable then coalesce(terms.shelf_life_days, usual_terms.shelf_life_days) end
            as shelf_life_days,

        newest.last_delivered_date
    from newest
    left join terms
        on terms.supply_id = newest.supply_id
    left join terms as usual_terms
        on usual_terms.supply_id = 'default'
)

select * from final
