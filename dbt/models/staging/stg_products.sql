with source as (
    {{ latest_version(source('raw', 'raw_products'), ['sku']) }}
),

renamed as (
    select
        sku as product_id,

        name as product_name,
        type as product_type,
        description as product_description,

        price as price_cents
    from source
)

select * from renamed
