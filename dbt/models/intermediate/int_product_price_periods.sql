with versions as (
    select * from {{ ref('int_product_versions') }}
),

recipes as (
    select * from {{ ref('int_recipe_versions') }}
),

costs as (
    select
        product_id,
        valid_from_date,
        valid_to_date,
        cast(count(*) as bigint) as supply_count,
        cast(count(case when is_perishable then supply_id end) as bigint) as perishable_supply_count,
        cast(sum(cost_cents) as bigint) as supply_cost_cents,
        cast(sum(case when is_perishable then cost_cents end) as bigint) as perishable_cost_cents
    from recipes
    group by product_id, valid_from_date, valid_to_date
),

starts as (
    select
        product_id,
        valid_from_date
    from versions

    union

    select
        costs.product_id,
        costs.valid_from_date
    from costs
),

periods as (
    select
        product_id,
        valid_from_date,
        coalesce(
            lead(valid_from_date) over (partition by product_id order by valid_from_date), {{ open_end() }}
        ) as valid_to_date
    from starts
),

final as (
    select
        periods.product_id,

        coalesce(costs.supply_count, 0) as supply_count,
        coalesce(costs.perishable_supply_count, 0) as perishable_supply_count,
        versions.price_cents,
        coalesce(costs.supply_cost_cents, 0) as supply_cost_cents,
        coalesce(costs.perishable_cost_cents, 0) as perishable_cost_cents,

        periods.valid_from_date,
        periods.valid_to_date
    from periods
    inner join versions
        on versions.product_id = periods.product_id
        and versions.valid_from_date <= periods.valid_from_date
        and versions.valid_to_date > periods.valid_from_date
    left join costs
        on costs.product_id = periods.product_id
        and costs.valid_from_date <= periods.valid_from_date
        and costs.valid_to_date > periods.valid_from_date
)

select * from final
