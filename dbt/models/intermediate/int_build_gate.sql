{#- Everything that is built and tested before the first mart: the seeds, all of staging and of intermediate. -#}
{%- set gated = [
    'customers_status',
    'supply_terms',
    'valid_from_dates',
    'stg_customers',
    'stg_items',
    'stg_orders',
    'stg_products',
    'stg_refunds',
    'stg_stock_counts',
    'stg_stores',
    'stg_supplies',
    'int_customers',
    'int_order_items',
    'int_orders_enriched',
    'int_product_price_periods',
    'int_product_prices',
    'int_product_versions',
    'int_products',
    'int_recipe_lines',
    'int_recipe_versions',
    'int_store_rate_periods',
    'int_store_rates',
    'int_stores',
    'int_supplies',
    'int_supply_usage',
    'int_touched_orders',
    'int_unexplained_orders',
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
