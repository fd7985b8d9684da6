with source as (
    {{ newest_records("(" ~ loaded_records('raw_stock_counts') ~ ") as loaded", 'store_id, supply_id, counted_at', '_row') }}
),

renamed as (
    select
        store_id,
        supply_id,

        unit_count,

        cast(counted_at as date) as counted_date,
        counted_at
    from source
)

select * from renamed
