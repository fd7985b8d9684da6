with source as (
    {{ latest_version(source('raw', 'raw_customers'), ['id']) }}
),

renamed as (
    select
        id as customer_id,

        name as customer_name
    from source
)

select * from renamed
