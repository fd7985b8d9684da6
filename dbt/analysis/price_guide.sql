with versions as (
    select * from {{ ref('dim_product_versions') }}
),

recipes as (
    select * from {{ ref('bridge_products_supplies') }}
),

items as (
    select * from {{ ref('fact_orders_items') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

products as (
    select
        versions.product_id,
        versions.product_name,
        versions.product_type,
        versions.price_usd
    from versions
    cross join as_of
    where
        versions.valid_from_date <= as_of.as_of_date
        and versions.valid_to_date > as_of.as_of_date
),

costs as (
    select
        recipes.product_id,
        {{ sum_usd('recipes.cost_usd') }} as unit_supply_cost_usd
    from recipes
    cross join as_of
    where
        recipes.valid_from_date <= as_of.as_of_date
        and recipes.valid_to_date > as_of.as_of_date
    group by recipes.product_id
),

prices as (
    select
        versions.product_id,
        versions.valid_from_date,
        versions.price_usd,
        lag(versions.price_usd) over (
            partition by versions.product_id
            order by versions.valid_from_date
        ) as price_before_usd
    from versions
    cross join as_of
    where {{ is_until_as_of('versions.valid_from_date') }}
),

changes as (
    select
        product_id,
        valid_from_date as change_date,
        price_before_usd,
        row_number() over (
            partition by product_id
            order by valid_from_date desc
        ) as change_rank
    from prices
    where price_usd <> price_before_usd
),

first_day as (
    select min(orders.order_date) as first_order_date
    from orders
),

-- 28 days each side, as far as there are orders: from the first one's day to as_of
last_changes as (
    select
        changes.product_id,
        changes.change_date,
        changes.price_before_usd,
        greatest(
            cast({{ dbt.dateadd('day', -28, 'changes.change_date') }} as date), first_day.first_order_date
        ) as before_start_date,
        least(
            cast({{ dbt.dateadd('day', 28, 'changes.change_date') }} as date),
            cast({{ dbt.dateadd('day', 1, 'as_of.as_of_date') }} as date)
        ) as after_end_date
    from changes
    cross join first_day
    cross join as_of
    where changes.change_rank = 1
),

sales as (
    select
        items.product_id,
        cast(count(case when {{ is_in_last_year('items.order_date') }} then items.item_id end) as bigint)
            as item_count_last_year,
        cast(count(case
            when items.order_date >= last_changes.before_start_date and items.order_date < last_changes.change_date
                then items.item_id
        end) as bigint) as item_count_before,
        cast(count(case
            when items.order_date >= last_changes.change_date and items.order_date < last_changes.after_end_date
                then items.item_id
        end) as bigint) as item_count_after
    from items
    cross join as_of
    left join last_changes
        on last_changes.product_id = items.product_id
    group by items.product_id
),

guide as (
    select
        products.product_id,
        products.product_name,
        coalesce(products.product_type, '(unknown)') as category,
        products.price_usd,
        cast(coalesce(costs.unit_supply_cost_usd, 0) as decimal(18, 2)) as unit_supply_cost_usd,
        coalesce(sales.item_count_last_year, 0) as item_count_last_year,
        last_changes.change_date as last_price_change_date,
        last_changes.price_before_usd,
        coalesce(sales.item_count_before, 0) as item_count_before,
        coalesce(sales.item_count_after, 0) as item_count_after,
        {{ dbt.datediff('last_changes.before_start_date', 'last_changes.change_date', 'day') }} as days_before,
        {{ dbt.datediff('last_changes.change_date', 'last_changes.after_end_date', 'day') }} as days_after
    from products
    left join costs
        on costs.product_id = products.product_id
    left join last_changes
        on last_changes.product_id = products.product_id
    left join sales
        on sales.product_id = products.product_id
),

final as (
    select
        product_id,
        product_name,
        category,
        price_usd,
        unit_supply_cost_usd,
        cast(price_usd - unit_supply_cost_usd as decimal(18, 2)) as unit_margin_usd,
        {{ ratio('(price_usd - unit_supply_cost_usd)', 'price_usd') }} as unit_margin_ratio,
        {{ least_price_usd('unit_supply_cost_usd', var('target_margin_ratio')) }} as target_price_usd,
        item_count_last_year,
        last_price_change_date,
        price_before_usd,
        case when days_before > 0 then {{ ratio('item_count_before', 'days_before') }} end as items_per_day_before,
        {{ ratio('item_count_after', 'days_after') }} as items_per_day_after
    from guide
)

select
    product_id,
    product_name,
    category,
    price_usd,
    unit_supply_cost_usd,
    unit_margin_usd,
    unit_margin_ratio,
    target_price_usd,
    item_count_last_year,
    last_price_change_date,
    price_before_usd,
    items_per_day_before,
    items_per_day_after
from final
order by product_id asc
