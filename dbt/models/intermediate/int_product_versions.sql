with products as (
    {{ moved_valid_from(ref('stg_products'), 'raw_products', 'product_id') }}
),

delivered as (
    select
        *,
        row_number() over (partition by product_id, starts_on_date {{ newest_first('record_number') }}) as version_rank
    from products
),

numbered as (
    select
        product_id,
        product_name,
        product_type,
        price_cents,
        starts_on_date,
        lag(product_name) over (partition by product_id order by starts_on_date) as name_before,
        lag(product_type) over (partition by product_id order by starts_on_date) as type_before,
        lag(price_cents) over (partition by product_id order by starts_on_date) as price_before,
        row_number() over (partition by product_id order by starts_on_date) as version_number
    from delivered
    where version_rank = 1
),

changed as (
    select
        *,
        case when version_number = 1 then {{ first_day() }} else starts_on_date end as valid_from_date
    from numbered
    where version_number = 1
        or product_name <> name_before
        or product_type <> type_before
        or price_cents <> price_before
),

final as (
    select
        product_id,

        product_name,
        product_type,

        price_cents,

        valid_from_date,
        coalesce(
            lead(valid_from_date) over (partition by product_id order by valid_from_date), {{ open_end() }}
        ) as valid_to_date
    from changed
)

select * from final
