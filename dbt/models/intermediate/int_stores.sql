with newest as (
    {{ newest_records(ref('stg_stores'), 'store_id') }}
),

final as (
    select
        store_id,

        store_name,
        time_zone,

        tax_ratio,

        opened_at,
        last_delivered_date
    from newest
)

select * from final
