-- depends_on: {{ ref('int_build_gate') }}
with stores as (
    select * from {{ ref('int_stores') }}
),

final as (
    select
        store_id,

        store_name,
        time_zone,

        tax_ratio,

        cast(opened_at as date) as opened_date,
        opened_at,
        last_delivered_date
    from stores
)

select * from final
