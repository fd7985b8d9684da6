with source as (
    {{ latest_version(source('raw', 'raw_stores'), ['id']) }}
),

renamed as (
    select
        id as store_id,

        name as store_name,

        tax_rate as tax_ratio,

        opened_at
    from source
)

select * from renamed
