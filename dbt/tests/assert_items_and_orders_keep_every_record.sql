{#- What each side comes to is summed up in one reading; a CTE that is read twice would be kept in memory, whole. On DuckDB
    all staged items are counted first, which costs nothing; if they are as many as the orders' items, none is of an unknown
    order, for assert_items_have_the_keys_of_their_order names items that are not of a known one. -#}
with doubt as (
    {% set unlike_all %}
    select 1 as is_doubtful
    from (select count(*) as item_count from {{ ref('stg_items') }}) as everything
    cross join (select count(*) as item_count from {{ ref('int_order_items') }}) as counted_items
    where everything.item_count <> counted_items.item_count
    {%- endset %}
    {{- doubt_where(unlike_all) }}
),

staged_orders as (
    select
        count(*) as order_count,
        coalesce(sum(subtotal_cents), 0) as subtotal_cents
    from {{ ref('stg_orders') }}
),

staged_items as (
    select count(*) as item_count
    from ({{ doubted(ref('stg_items')) }}) as items
    where {{ short_key('items.order_id') }} in (
        select {{ short_key('known.order_id') }} from ({{ doubted(ref('stg_orders')) }}) as known
    )
),

enriched as (
    select
        count(*) as order_count,
        coalesce(sum(item_count), 0) as item_count,
        coalesce(sum(subtotal_cents), 0) as subtotal_cents,
        coalesce(sum(supply_cost_cents), 0) as supply_cost_cents,
        coalesce(sum(perishable_cost_cents), 0) as perishable_cost_cents
    from {{ ref('int_orders_enriched') }}
),

order_items as (
    select
        count(*) as item_count,
        coalesce(sum(supply_cost_cents), 0) as supply_cost_cents,
        coalesce(sum(perishable_cost_cents), 0) as perishable_cost_cents
    from {{ ref('int_order_items') }}
),

counted as (
    select
        'orders' as what,
        staged_orders.order_count as expected_count,
        enriched.order_count as found_count
    from staged_orders
    cross join enriched

    union all

    select
        'items' as what,
        staged_items.item_count as expected_count,
        order_items.item_count as found_count
    from staged_items
    cross join order_items
    {{- where_doubt() }}

    union all

    select
        'items in orders' as what,
        order_items.item_count as expected_count,
        enriched.item_count as found_count
    from order_items
    cross join enriched

    union all

    select
        'net sales' as what,
        staged_orders.subtotal_cents as expected_count,
        enriched.subtotal_cents as found_count
    from staged_orders
    cross join enriched

    union all

    select
        'cost' as what,
        order_items.supply_cost_cents as expected_count,
        enriched.supply_cost_cents as found_count
    from order_items
    cross join enriched

    union all

    select
        'perishable cost' as what,
        order_items.perishable_cost_cents as expected_count,
        enriched.perishable_cost_cents as found_count
    from order_items
    cross join enriched
)

select *
from counted
where expected_count <> found_count
