with stores as (
    {{ moved_valid_from(ref('stg_stores'), 'raw_stores', 'store_id') }}
),

delivered as (
    select
        *,
        row_number() over (partition by store_id, starts_on_date {{ newest_first('record_number') }}) as version_rank,
        first_value(opened_at) over (
            partition by store_id {{ newest_first('record_number') }} rows between unbounded preceding and unbounded following
        ) as newest_opened_at
    from stores
),

numbered as (
    select
        store_id,
        tax_ratio,
        newest_opened_at,
        starts_on_date,
        lag(tax_ratio) over (partition by store_id order by starts_on_date) as ratio_before,
        row_number() over (partition by store_id order by starts_on_date) as version_number
    from delivered
    where version_rank = 1
),

changed as (
    select
        *,
        case when version_number = 1 then {{ first_day() }} else starts_on_date end as valid_from_date
    from numbered
    where version_number = 1
        or tax_ratio <> ratio_before
),

final as (
    select
        store_id,

        tax_ratio,

        newest_opened_at as opened_at,

        valid_from_date,
        coalesce(
            lead(valid_from_date) over (partition by store_id order by valid_from_date), {{ open_end() }}
        ) as valid_to_date
    from changed
)

select * from final
