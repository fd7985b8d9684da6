{{ config(materialized='table') }}

{#- Everything that is built and tested before the first mart: all of staging, of intermediate and the seeds. -#}
{%- set gated = [
    'customers_status',
    'stg_customers',
    'stg_items',
    'stg_orders',
    'stg_products',
    'stg_stores',
    'stg_supplies',
    'int_order_items',
    'int_orders_enriched',
    'int_supplies_per_product',
] %}

{%- for name in gated %}
-- depends_on: {{ ref(name) }}
{%- endfor %}

with orders as (
    select * from {{ ref('int_orders_enriched') }}
),

as_of as (
    {{ as_of_date('orders') }}
),

ledger as (
    {{ ledger_sha256() }}
),

final as (
    select
        cast('{{ invocation_id }}' as varchar(64)) as build_id,
        cast(ledger.ledger_sha256 as varchar(64)) as ledger_sha256,
        cast('{{ seeds_md5() }}' as varchar(64)) as seeds_md5,

        as_of.as_of_date,
        {{ utc_timestamp() }} as built_at
    from ledger
    cross join as_of
)

select * from final
