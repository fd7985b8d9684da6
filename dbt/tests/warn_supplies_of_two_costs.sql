{{ config(severity='warn') }}

select
    supply_id,
    min(cost_cents) as least_cost_cents,
    max(cost_cents) as greatest_cost_cents
from {{ ref('int_recipe_versions') }}
where valid_to_date = {{ open_end() }}
group by supply_id
having min(cost_cents) <> max(cost_cents)
