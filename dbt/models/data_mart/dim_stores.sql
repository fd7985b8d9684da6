{{ after_build_gate() }}
with stores as (
    select * from {{ ref('stg_stores') }}
),

final as (
    select
        store_id,

        store_name,

        tax_ratio,

        cast(opened_at as date) as opened_date,
        opened_at
    from stores
)

select * from final
