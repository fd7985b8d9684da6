with source as (
    {{ delivered_records('raw_stores', ['id', 'name', 'opened_at', 'tax_rate', 'time_zone']) }}
),

renamed as (
    select
        id as store_id,

        name as store_name,
        time_zone,

        tax_rate as tax_ratio,

        opened_at,

        delivery_date,
        valid_from_date,
        delivery_order,
        _row as record_number
    from source
)

select * from renamed
