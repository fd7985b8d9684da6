{#- A copy of the recipes as this build uses them, for the next one to compare with: made after the notes are. -#}
-- depends_on: {{ ref('int_touched_orders') }}
with recipes as (
    select * from {{ ref('int_recipe_versions') }}
),

final as (
    select
        product_id,
        supply_id,

        cost_cents,

        is_perishable,

        valid_from_date,
        valid_to_date
    from recipes
)

select * from final
