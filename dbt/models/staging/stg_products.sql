with source as (
    {{ delivered_records('raw_products', ['sku', 'name', 'type', 'price', 'description']) }}
),

renamed as (
    select
        sku as product_id,

        name as product_name,
        type as product_type,
        description as product_description,

        price as price_cents,

        delivery_date,
        valid_from_date,
        delivery_order,
        _row as record_number
    from source
)

select * from renamed
