{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with source as (
    select *
    from ({{ newest_records(
        "(" ~ loaded_records('raw_orders') ~ ") as loaded where " ~ is_touched('id'), 'id', '_row'
    ) }}) as newest
),

renamed as (
    select
        id as order_id,
        customer as customer_id,
        store_id,

        subtotal as subtotal_cents,
        tax_paid as tax_paid_cents,
        order_total as order_total_cents,

        cast(ordered_at as date) > cast(delivered_at as date) as is_dated_after_delivery,

        cast(ordered_at as date) as order_date,
        ordered_at,

        _file as file_name,
        _loaded_at as loaded_at,
        {{ touch_number() }} as touch_number
    from source
)

select * from renamed
