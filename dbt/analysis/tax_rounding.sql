with orders as (
    select * from {{ ref('fact_orders') }}
),

stores as (
    select * from {{ ref('dim_stores') }}
),

as_of as (
    {{ as_of_period('orders') }}
),

taxes as (
    select
        orders.store_id,
        cast(orders.tax_paid_usd * 100 as bigint) as paid_cents,
        cast(floor(orders.subtotal_usd * 100 * orders.declared_tax_ratio + 0.5) as bigint) as rounded_cents
    from orders
    cross join as_of
    where {{ is_until_as_of('orders.order_date') }} and orders.declared_tax_ratio is not null
),

per_store as (
    select
        store_id,
        cast(count(*) as bigint) as order_count,
        cast(sum(case when paid_cents < rounded_cents then 1 else 0 end) as bigint) as order_below_count,
        cast(sum(case when paid_cents > rounded_cents then 1 else 0 end) as bigint) as order_above_count,
        cast(sum(rounded_cents - paid_cents) as bigint) as missing_cents
    from taxes
    group by store_id
),

final as (
    select
        per_store.store_id,
        coalesce(stores.store_name, '(unknown store)') as store_name,
        per_store.order_count,
        per_store.order_below_count,
        per_store.order_above_count,
        {{ cents_to_usd('per_store.missing_cents') }} as missing_tax_usd
    from per_store
    left join stores
        on stores.store_id = per_store.store_id
)

select
    store_id,
    store_name,
    order_count,
    order_below_count,
    order_above_count,
    missing_tax_usd
from final
order by order_below_count desc, store_id asc
