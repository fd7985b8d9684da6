{#- Found another way than the models find it: of the records delivered for the product, the newest that held on the day.
    On DuckDB each price and cost of a product on a day is judged once, and items are looked at only where one is wrong. -#}
{%- set judged = ['product_id', 'order_date', 'is_product_known', 'price_cents', 'supply_cost_cents', 'perishable_cost_cents'] -%}
{%- set are_wrong -%}
left join prices
    on prices.product_id = order_items.product_id
    and prices.order_date = order_items.order_date
    and prices.version_rank = 1
left join costs
    on costs.product_id = order_items.product_id
    and costs.order_date = order_items.order_date
where order_items.is_product_known <> (prices.product_id is not null)
    or coalesce(order_items.price_cents, -1) <> coalesce(prices.price_cents, -1)
    or (
        order_items.is_product_known
        and (
            coalesce(order_items.supply_cost_cents, -1) <> coalesce(costs.supply_cost_cents, 0)
            or coalesce(order_items.perishable_cost_cents, -1) <> coalesce(costs.perishable_cost_cents, 0)
        )
    )
{%- endset -%}
with products as (
    {{ moved_valid_from(ref('stg_products'), 'raw_products', 'product_id') }}
),

all_supplies as (
    {{ moved_valid_from(ref('stg_supplies'), 'raw_supplies', 'product_id') }}
),

newest_of_files as (
    select
        product_id,
        starts_on_date,
        file_name,
        max(delivery_order) as delivery_order
    from all_supplies
    group by product_id, starts_on_date, file_name
),

supplies as (
    select all_supplies.*
    from all_supplies
    inner join newest_of_files
        on newest_of_files.product_id = all_supplies.product_id
        and newest_of_files.starts_on_date = all_supplies.starts_on_date
        and newest_of_files.file_name = all_supplies.file_name
        and newest_of_files.delivery_order = all_supplies.delivery_order
),

sold as (
    select distinct
        product_id,
        order_date
    from {{ ref('int_order_items') }}
),

price_days as (
    select
        sold.product_id,
        sold.order_date,
        coalesce(
            max(case when products.starts_on_date <= sold.order_date then products.starts_on_date end),
            min(products.starts_on_date)
        ) as starts_on_date
    from sold
    inner join products
        on products.product_id = sold.product_id
    group by sold.product_id, sold.order_date
),

prices as (
    select
        price_days.product_id,
        price_days.order_date,
        products.price_cents,
        row_number() over (
            partition by price_days.product_id, price_days.order_date
            order by products.delivery_order desc, products.record_number desc
        ) as version_rank
    from price_days
    inner join products
        on products.product_id = price_days.product_id
        and products.starts_on_date = price_days.starts_on_date
),

recipes as (
    select distinct
        product_id,
        starts_on_date
    from supplies
),

recipe_days as (
    select
        sold.product_id,
        sold.order_date,
        coalesce(
            max(case when recipes.starts_on_date <= sold.order_date then recipes.starts_on_date end),
            min(recipes.starts_on_date)
        ) as starts_on_date
    from sold
    inner join recipes
        on recipes.product_id = sold.product_id
    group by sold.product_id, sold.order_date
),

recipe_lines as (
    select
        recipe_days.product_id,
        recipe_days.order_date,
        supplies.cost_cents,
        supplies.is_perishable,
        row_number() over (
            partition by recipe_days.product_id, recipe_days.order_date, supplies.supply_id
            order by supplies.delivery_order desc, supplies.record_number desc
        ) as version_rank
    from recipe_days
    inner join supplies
        on supplies.product_id = recipe_days.product_id
        and supplies.starts_on_date = recipe_days.starts_on_date
),

costs as (
    select
        product_id,
        order_date,
        sum(cost_cents) as supply_cost_cents,
        sum(case when is_perishable then cost_cents else 0 end) as perishable_cost_cents
    from recipe_lines
    where version_rank = 1
    group by product_id, order_date
),

doubt as (
    {% set wrong %}
    select 1 as is_doubtful
    from (select distinct {{ judged | join(', ') }} from {{ ref('int_order_items') }}) as order_items
    {{ are_wrong }}
    {%- endset %}
    {{- doubt_where(wrong) }}
),

order_items as (
    {{ doubted(ref('int_order_items')) }}
)

select
    order_items.item_id,
    order_items.price_cents,
    prices.price_cents as expected_price_cents,
    order_items.supply_cost_cents,
    costs.supply_cost_cents as expected_supply_cost_cents
from order_items
{{ are_wrong }}
