with source as (
    {{ latest_version(source('raw', 'raw_supplies'), ['id', 'sku']) }}
),

renamed as (
    select
        id as supply_id,
        sku as product_id,

        name as supply_name,

        cost as cost_cents,

        perishable as is_perishable
    from source
)

select * from renamed
