with source as (
    {{ latest_version(source('raw', 'raw_orders'), ['id']) }}
),

renamed as (
    select
        id as order_id,
        customer as customer_id,
        store_id,

        subtotal as subtotal_cents,
        tax_paid as tax_paid_cents,
        order_total as order_total_cents,

        cast(ordered_at as date) as order_date,
        ordered_at
    from source
)

select * from renamed
