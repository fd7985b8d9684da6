{#- One row per order: its subtotal beside the sum of its items' prices in fact_orders_items, in US dollars. -#}
{% macro item_revenue_per_order() %}
    select
        orders.order_id,
        orders.subtotal_usd,
        coalesce(items.net_sales_usd, 0) as item_net_sales_usd
    from {{ ref('fact_orders') }} as orders
    left join (
        select
            order_id,
            {{ sum_usd('net_sales_usd') }} as net_sales_usd
        from {{ ref('fact_orders_items') }}
        group by order_id
    ) as items
        on items.order_id = orders.order_id
{% endmacro %}
