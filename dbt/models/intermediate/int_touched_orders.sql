{#- What this build must make anew, noted before anything is: orders of files that were loaded since, orders whose rows came
    from files that are replaced or gone, and orders whose prices, recipes or tax rates have changed. More than needed does
    no harm. A note without an earlier state to compare with is `*`: everything. Keys are looked up by short keys, since
    DuckDB hashes the larger side where it expects that more was touched than was. -#}
{{ config(post_hook=[
    "delete from {{ this }} where touch_number < (select max(notes.touch_number) from {{ this }} as notes) - 1000",
    "{{ give_memory_for_many_notes() }}",
]) }}
{%- set orders = earlier_state('staging', 'stg_orders') -%}
{%- set items = earlier_state('staging', 'stg_items') -%}
{%- set refunds = earlier_state('staging', 'stg_refunds') -%}
{%- set prices = earlier_state('intermediate', 'int_product_prices') -%}
{%- set recipes = earlier_state('intermediate', 'int_recipe_lines') -%}
{%- set rates = earlier_state('intermediate', 'int_store_rates') -%}
{%- set states = [orders, items, refunds, prices, recipes, rates] -%}

with price_periods as (
    select * from {{ ref('int_product_price_periods') }}
),

recipe_versions as (
    select * from {{ ref('int_recipe_versions') }}
),

rate_periods as (
    select * from {{ ref('int_store_rate_periods') }}
),

{% if none in states %}
touched as (
    select cast('*' as varchar(64)) as order_id
),

dated as (
    select
        order_id,
        cast(null as date) as order_date
    from touched
),
{% else %}
new_items as (
    {{ new_or_gone_keys('raw_items', 'id', items, 'item_id') }}
),

new_refunds as (
    {{ new_or_gone_keys('raw_refunds', 'id', refunds, 'refund_id') }}
),

repriced_products as (
    {{ changed_periods('price_periods', prices, 'product_id', ['price_cents', 'supply_cost_cents', 'perishable_cost_cents']) }}

    union all

    {{ changed_periods('recipe_versions', recipes, 'product_id', ['supply_id', 'cost_cents', 'is_perishable']) }}
),

rerated_stores as (
    {{ changed_periods('rate_periods', rates, 'store_id', ['tax_ratio', 'opened_at']) }}
),

new_orders as (
    {{ new_or_gone_keys('raw_orders', 'id', orders, 'order_id') }}
),

touched as (
    select record_id as order_id
    from new_orders

    union

    select raw_items.order_id
    from {{ raw_table('raw_items') }} as raw_items
    where {{ short_key('raw_items.id') }} in (select {{ short_key('new_items.record_id') }} from new_items)

    union

    select built.order_id
    from {{ items }} as built
    where {{ short_key('built.item_id') }} in (select {{ short_key('new_items.record_id') }} from new_items)

    union

    select raw_refunds.order_id
    from {{ raw_table('raw_refunds') }} as raw_refunds
    where {{ short_key('raw_refunds.id') }} in (select {{ short_key('new_refunds.record_id') }} from new_refunds)

    union

    select built.order_id
    from {{ refunds }} as built
    where {{ short_key('built.refund_id') }} in (select {{ short_key('new_refunds.record_id') }} from new_refunds)

    union

    select built_items.order_id
    from {{ items }} as built_items
    inner join repriced_products
        on repriced_products.product_id = built_items.product_id
    inner join (
        select
            dated_orders.order_id,
            dated_orders.order_date
        from {{ orders }} as dated_orders
        where dated_orders.order_date >= (select min(earliest.changed_from_date) from repriced_products as earliest)
    ) as built_orders
        on built_orders.order_id = built_items.order_id
        and built_orders.order_date >= repriced_products.changed_from_date

    union

    select built_orders.order_id
    from {{ orders }} as built_orders
    inner join rerated_stores
        on rerated_stores.store_id = built_orders.store_id
        and built_orders.order_date >= rerated_stores.changed_from_date
),

dates as (
    select
        built.order_id,
        built.order_date
    from {{ orders }} as built
    where {{ short_key('built.order_id') }} in (select {{ short_key('touched.order_id') }} from touched)

    union

    select
        raw_orders.id as order_id,
        cast(raw_orders.ordered_at as date) as order_date
    from {{ raw_table('raw_orders') }} as raw_orders
    where {{ short_key('raw_orders.id') }} in (select {{ short_key('touched.order_id') }} from touched)
),

dated as (
    select
        touched.order_id,
        dates.order_date
    from touched
    left join dates
        on dates.order_id = touched.order_id
),
{% endif %}
final as (
    select
        cast(order_id as varchar(64)) as order_id,
        order_date,
        cast({{ next_touch_number() }} as bigint) as touch_number
    from dated
)

select * from final
