-- depends_on: {{ ref('int_build_gate') }}
{{ config(pre_hook="{{ delete_touched('usage_date', 'order_date') }}") }}

with usage as (
    select * from {{ ref('int_supply_usage') }}
    where {{ is_touched('usage_date', 'order_date') }}
),

final as (
    select
        store_id,
        supply_id,

        is_perishable,

        unit_count,
        {{ cents_to_usd('cost_cents') }} as cost_usd,

        usage_date,

        touch_number
    from usage
)

select * from final
