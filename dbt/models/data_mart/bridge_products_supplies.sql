-- depends_on: {{ ref('int_build_gate') }}
with recipes as (
    select * from {{ ref('int_recipe_versions') }}
),

final as (
    select
        product_id,
        supply_id,

        is_perishable,
        valid_to_date = {{ open_end() }} as is_current,

        {{ cents_to_usd('cost_cents') }} as cost_usd,

        valid_from_date,
        valid_to_date
    from recipes
)

select * from final
