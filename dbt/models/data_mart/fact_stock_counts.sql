-- depends_on: {{ ref('int_build_gate') }}
with stock_counts as (
    select * from {{ ref('stg_stock_counts') }}
),

final as (
    select
        store_id,
        supply_id,

        unit_count,

        counted_date,
        counted_at
    from stock_counts
)

select * from final
