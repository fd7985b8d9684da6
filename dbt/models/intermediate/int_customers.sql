with newest as (
    {{ newest_records(ref('stg_customers'), 'customer_id') }}
),

final as (
    select
        customer_id,

        customer_name,

        last_delivered_date
    from newest
)

select * from final
