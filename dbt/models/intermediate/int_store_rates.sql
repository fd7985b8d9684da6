{#- A copy of the periods as this build uses them, for the next one to compare with: made after the notes are. -#}
-- depends_on: {{ ref('int_touched_orders') }}
with periods as (
    select * from {{ ref('int_store_rate_periods') }}
),

final as (
    select
        store_id,

        tax_ratio,

        opened_at,

        valid_from_date,
        valid_to_date
    from periods
)

select * from final
