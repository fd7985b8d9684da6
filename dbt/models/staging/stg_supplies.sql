with source as (
    {{ delivered_records('raw_supplies', ['id', 'name', 'cost', 'perishable', 'sku', '_file']) }}
),

renamed as (
    select
        id as supply_id,
        sku as product_id,

        name as supply_name,

        cost as cost_cents,

        perishable as is_perishable,

        delivery_date,
        valid_from_date,
        delivery_order,
        _file as file_name,
        _row as record_number
    from source
)

select * from renamed
