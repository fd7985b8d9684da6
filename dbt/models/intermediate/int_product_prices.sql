{#- A copy of the periods as this build uses them, for the next one to compare with: made after the notes are. -#}
-- depends_on: {{ ref('int_touched_orders') }}
with periods as (
    select * from {{ ref('int_product_price_periods') }}
),

final as (
    select
        product_id,

        supply_count,
        perishable_supply_count,
        price_cents,
        supply_cost_cents,
        perishable_cost_cents,

        valid_from_date,
        valid_to_date
    from periods
)

select * from final
