{{ config(severity='warn') }}

select
    supply_id,
    count(*) as recipe_count
from {{ ref('int_recipe_versions') }}
where valid_to_date = {{ open_end() }}
group by supply_id
having count(case when is_perishable then 1 end) not in (0, count(*))
