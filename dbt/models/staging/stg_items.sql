{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with source as (
    select *
    from ({{ newest_records(
        "(" ~ loaded_records('raw_items') ~ ") as loaded where " ~ is_version_touched('raw_items'), 'id', '_row'
    ) }}) as newest
    where {{ is_touched('order_id') }}
),

renamed as (
    select
        id as item_id,
        order_id,
        sku as product_id,

        _file as file_name,
        _loaded_at as loaded_at,
        {{ touch_number() }} as touch_number
    from source
)

select * from renamed
