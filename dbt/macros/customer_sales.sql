{#- The status of a customer who bought nothing in the last year. -#}
{% macro inactive_status() -%}
    cast('Inactive' as varchar(64))
{%- endmacro %}


{#- The classes and their thresholds: those of the seed, or in their place those of the var customer_classes, which a
    source profile sets: pairs of a name and an amount. -#}
{% macro customer_classes(seed) -%}
    {%- set classes = var('customer_classes', none) -%}
    select
        customer_status,
        min_net_sales_usd
    from {{ seed }}
    {%- if classes %}
    where customer_status is null
    {%- for name, amount in classes %}
    union all
    select
        cast('{{ name | replace("'", "''") }}' as varchar(64)) as customer_status,
        cast({{ amount }} as decimal(18, 2)) as min_net_sales_usd
    {%- endfor %}
    {%- endif %}
{%- endmacro %}


{#- One row per customer of the CTE `customers` (customer_id) and day of the CTE `as_of` (as_of_date, year_before_date):
    sales up to that day and the class they earn. The only definition of the class: among the thresholds not above the
    net sales of the last year, the greatest one's. Reads the CTEs `orders` (fact_orders), `statuses`
    (customer_classes) and `as_of`, which is as_of_period's one row or one for each day that is asked for. -#}
{% macro customer_sales(customers) %}
    select
        sales.customer_id,
        sales.as_of_date,
        coalesce(classes.customer_status, {{ inactive_status() }}) as customer_status,
        sales.order_count,
        sales.order_count_last_year,
        sales.net_sales_usd,
        sales.net_sales_last_year_usd,
        sales.first_order_date,
        sales.last_order_date
    from (
        select
            customers.customer_id,
            as_of.as_of_date,
            cast(count(orders.order_id) as bigint) as order_count,
            cast(count(
                case when {{ is_in_last_year('orders.order_date') }} then orders.order_id end
            ) as bigint) as order_count_last_year,
            {{ sum_usd('orders.subtotal_usd') }} as net_sales_usd,
            {{ sum_usd(
                "case when " ~ is_in_last_year('orders.order_date') ~ " then orders.subtotal_usd end"
            ) }} as net_sales_last_year_usd,
            min(orders.order_date) as first_order_date,
            max(orders.order_date) as last_order_date
        from {{ customers }} as customers
        cross join as_of
        left join orders
            on orders.customer_id = customers.customer_id
            and {{ is_until_as_of('orders.order_date') }}
        group by customers.customer_id, as_of.as_of_date
    ) as sales
    left join (
        select
            customer_status,
            min_net_sales_usd,
            lead(min_net_sales_usd) over (order by min_net_sales_usd) as next_min_net_sales_usd
        from statuses
    ) as classes
        on sales.net_sales_last_year_usd > 0
        and sales.net_sales_last_year_usd >= classes.min_net_sales_usd
        and (
            sales.net_sales_last_year_usd < classes.next_min_net_sales_usd
            or classes.next_min_net_sales_usd is null
        )
{% endmacro %}
