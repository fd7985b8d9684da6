-- depends_on: {{ ref('int_build_gate') }}
with versions as (
    select * from {{ ref('int_product_versions') }}
),

final as (
    select
        product_id,

        product_name,
        product_type,

        {{ cents_to_usd('price_cents') }} as price_usd,

        valid_from_date,
        valid_to_date
    from versions
)

select * from final
