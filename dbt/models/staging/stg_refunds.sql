{{ config(pre_hook="{{ delete_touched('order_id') }}") }}

with source as (
    select *
    from ({{ newest_records(
        "(" ~ loaded_records('raw_refunds') ~ ") as loaded where " ~ is_version_touched('raw_refunds'), 'id', '_row'
    ) }}) as newest
    where {{ is_touched('order_id') }}
),

renamed as (
    select
        id as refund_id,
        order_id,
        item_id,

        reason as refund_reason,

        amount as refund_cents,
        tax_amount as tax_refunded_cents,

        cast(refunded_at as date) as refunded_date,
        refunded_at,

        _file as file_name,
        _loaded_at as loaded_at,
        {{ touch_number() }} as touch_number
    from source
)

select * from renamed
