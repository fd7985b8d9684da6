with statuses as (
    {{ customer_classes(ref('customers_status')) }}
)

select
    'no class for the smallest sale' as fault,
    min(min_net_sales_usd) as min_net_sales_usd
from statuses
having min(min_net_sales_usd) is null
    or min(min_net_sales_usd) > 0.01

union all

select
    'a class with a reserved name' as fault,
    min_net_sales_usd
from statuses
where customer_status = {{ inactive_status() }}
