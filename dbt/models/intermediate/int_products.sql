with newest as (
    {{ newest_records(ref('stg_products'), 'product_id') }}
),

prices as (
    select * from {{ ref('int_product_prices') }}
),

final as (
    select
        newest.product_id,

        newest.product_name,
        newest.product_type,
        newest.product_description,

        prices.supply_count,
        prices.perishable_supply_count,
        prices.price_cents,
        prices.supply_cost_cents,
        prices.perishable_cost_cents,

        newest.last_delivered_date
    from newest
    inner join prices
        on prices.product_id = newest.product_id
        and prices.valid_to_date = {{ open_end() }}
)

select * from final
