-- A pair without its mirror image, twice, of a product with itself, or with a share that is none.

with pairs as (
    select * from {{ ref('product_affinity') }}
),

mirrored as (
    select
        pairs.product_id,
        pairs.other_product_id,
        count(*) as same_count,
        min(case when turned.order_count = pairs.order_count then 1 else 0 end) as is_mirrored
    from pairs
    left join pairs as turned
        on turned.product_id = pairs.other_product_id
        and turned.other_product_id = pairs.product_id
    group by pairs.product_id, pairs.other_product_id
),

final as (
    select
        pairs.product_id,
        pairs.other_product_id
    from pairs
    inner join mirrored
        on mirrored.product_id = pairs.product_id
        and mirrored.other_product_id = pairs.other_product_id
    where mirrored.same_count <> 1
        or mirrored.is_mirrored = 0
        or pairs.product_id = pairs.other_product_id
        or not pairs.support_ratio between 0 and pairs.confidence_ratio
        or not pairs.confidence_ratio between 0 and 1
)

select * from final
