select
    supply_id,
    product_id,
    count(*) as record_count
from {{ ref('stg_supplies') }}
group by supply_id, product_id
having count(*) > 1
    or supply_id is null
    or product_id is null
