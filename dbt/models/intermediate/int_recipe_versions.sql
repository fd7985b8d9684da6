with supplies as (
    {{ moved_valid_from(ref('stg_supplies'), 'raw_supplies', 'product_id') }}
),

-- a file that came again for the day is the whole recipe again; several files of a day are one together
newest_of_files as (
    select
        *,
        rank() over (
            partition by product_id, starts_on_date, file_name order by delivery_order desc nulls last
        ) as delivery_rank
    from supplies
),

delivered as (
    select
        *,
        row_number() over (
            partition by product_id, supply_id, starts_on_date {{ newest_first('record_number') }}
        ) as version_rank
    from newest_of_files
    where delivery_rank = 1
),

recipes as (
    select
        product_id,
        starts_on_date,
        row_number() over (partition by product_id order by starts_on_date) as version_number,
        lead(starts_on_date) over (partition by product_id order by starts_on_date) as next_starts_on_date
    from (select distinct product_id, starts_on_date from delivered) as days
),

final as (
    select
        delivered.product_id,
        delivered.supply_id,

        delivered.cost_cents,

        delivered.is_perishable,

        case when recipes.version_number = 1 then {{ first_day() }} else recipes.starts_on_date end as valid_from_date,
        coalesce(recipes.next_starts_on_date, {{ open_end() }}) as valid_to_date
    from delivered
    inner join recipes
        on recipes.product_id = delivered.product_id
        and recipes.starts_on_date = delivered.starts_on_date
    where delivered.version_rank = 1
)

select * from final
