-- Every product and every piece that was counted is in the mart. A newer count than the mart has seen is left to the next build.
with

expected as (
    select
        count(*) as products,
        coalesce(sum(on_hand), 0) as pieces,
        max(_load_id) as load_id
    from {{ source('raw', 'stock_levels') }}
),

found as (
    select count(*) as products, coalesce(sum(on_hand), 0) as pieces, max(stock_load_id) as load_id from {{ ref('stock_cover') }}
)

select
    expected.products as products_counted,
    found.products as products_in_mart,
    expected.pieces as pieces_counted,
    found.pieces as pieces_in_mart
from expected
cross join found
where found.load_id = expected.load_id and (expected.products, expected.pieces) is distinct from (found.products, found.pieces)
