with source as (
    {{ latest_version(source('raw', 'raw_items'), ['id']) }}
),

renamed as (
    select
        id as item_id,
        order_id,
        sku as product_id
    from source
)

select * from renamed
