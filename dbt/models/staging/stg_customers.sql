with source as (
    {{ delivered_records('raw_customers', ['id', 'name']) }}
),

renamed as (
    select
        id as customer_id,

        name as customer_name,

        delivery_date,
        delivery_order,
        _row as record_number
    from source
)

select * from renamed
