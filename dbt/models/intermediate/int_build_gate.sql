-- depends_on: {{ ref('int_orders_enriched') }}
with final as (
    select cast('{{ invocation_id }}' as varchar(64)) as build_id
)

select * from final
