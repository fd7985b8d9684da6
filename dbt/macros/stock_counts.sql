{#- The CTEs newest_counts, used_on_day and used_on_later_days: the newest count of each store and supply until as_of, and
    what was used since, on the day of the count by the minute. Reads the CTEs stock_counts, usage_days, items, recipes
    and as_of. -#}
{% macro counts_and_use_since() -%}
ranked_counts as (
    select
        stock_counts.store_id,
        stock_counts.supply_id,
        stock_counts.counted_date,
        stock_counts.counted_at,
        stock_counts.unit_count,
        row_number() over (
            partition by stock_counts.store_id, stock_counts.supply_id
            order by stock_counts.counted_at desc
        ) as count_rank
    from stock_counts
    cross join as_of
    where {{ is_until_as_of('stock_counts.counted_date') }}
),

newest_counts as (
    select
        store_id,
        supply_id,
        counted_date,
        counted_at,
        unit_count
    from ranked_counts
    where count_rank = 1
),

-- what was sold on the day of the count, but after it
used_on_day as (
    select
        newest_counts.store_id,
        newest_counts.supply_id,
        cast(count(*) as bigint) as unit_count
    from newest_counts
    inner join items
        on items.store_id = newest_counts.store_id
        and items.order_date = newest_counts.counted_date
        and items.ordered_at > newest_counts.counted_at
    inner join recipes
        on recipes.product_id = items.product_id
        and recipes.supply_id = newest_counts.supply_id
        and recipes.valid_from_date <= items.order_date
        and recipes.valid_to_date > items.order_date
    where items.is_product_known
    group by newest_counts.store_id, newest_counts.supply_id
),

used_on_later_days as (
    select
        newest_counts.store_id,
        newest_counts.supply_id,
        cast(sum(usage_days.unit_count) as bigint) as unit_count
    from newest_counts
    cross join as_of
    inner join usage_days
        on usage_days.store_id = newest_counts.store_id
        and usage_days.supply_id = newest_counts.supply_id
        and usage_days.usage_date > newest_counts.counted_date
        and {{ is_until_as_of('usage_days.usage_date') }}
    group by newest_counts.store_id, newest_counts.supply_id
)
{%- endmacro %}


{#- What counts_and_use_since found used since the newest count, units; 0 if nothing was. -#}
{% macro used_since_count() -%}
    coalesce(used_on_day.unit_count, 0) + coalesce(used_on_later_days.unit_count, 0)
{%- endmacro %}
