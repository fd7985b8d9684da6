{#- The keys of an order once for each of its items are the keys of all items. -#}
{%- set keys = ['order_id', 'customer_id', 'store_id', 'order_date', 'ordered_at', 'is_dated_after_delivery'] -%}
{%- set record = ['item_id', 'order_id', 'product_id'] -%}
with order_sums as (
    {{ row_sums(ref('int_orders_enriched'), {
        'once_': {'columns': keys}, 'for_each_item_': {'columns': keys, 'times': 'item_count'},
    }) }}
),

item_sums as (
    {{ row_sums(ref('int_order_items'), {'keys_': {'columns': keys}, 'record_': {'columns': record}}) }}
),

unlike_their_records as (
    {{ find_doubt([(row_sum(ref('stg_items'), record), one_sum('item_sums', 'record_'))]) }}
),

known_items as (
    select items.*
    from {{ ref('stg_items') }} as items
    where exists (select 1 from unlike_their_records)
        and {{ short_key('items.order_id') }} in (
            select {{ short_key('known.order_id') }}
            from {{ ref('stg_orders') }} as known
            where exists (select 1 from unlike_their_records)
        )
),

counted_items as (
    select items.*
    from {{ ref('int_order_items') }} as items
    where exists (select 1 from unlike_their_records)
),

doubt as (
    {{ find_doubt([
        (row_sum(ref('stg_orders'), keys), one_sum('order_sums', 'once_')),
        (one_sum('order_sums', 'for_each_item_'), one_sum('item_sums', 'keys_')),
    ]) }}
    union all
    select unlike.is_doubtful
    from unlike_their_records as unlike
    cross join (
        {{ find_doubt([(row_sum('known_items', record), row_sum('counted_items', record))]) }}
    ) as still
),

orders as (
    {{ doubted(ref('stg_orders')) }}
),

staged_items as (
    {{ doubted(ref('stg_items')) }}
),

order_items as (
    {{ doubted(ref('int_order_items')) }}
)

select order_items.item_id
from order_items
left join orders
    on orders.order_id = order_items.order_id
left join staged_items
    on staged_items.item_id = order_items.item_id
where orders.order_id is null
    or staged_items.item_id is null
    or coalesce(order_items.customer_id, '') <> coalesce(orders.customer_id, '')
    or coalesce(order_items.store_id, '') <> coalesce(orders.store_id, '')
    or order_items.order_id <> staged_items.order_id
    or coalesce(order_items.product_id, '') <> coalesce(staged_items.product_id, '')
    or order_items.order_date <> orders.order_date
    or order_items.ordered_at <> orders.ordered_at
    or order_items.is_dated_after_delivery <> orders.is_dated_after_delivery
