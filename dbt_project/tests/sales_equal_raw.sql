{{ config(group='supply') }}

-- Every piece sold that was delivered to us counts once, as delivered last, among the loads that the model has seen.
with

delivered as (
    select distinct on (order_id) order_id, quantity
    from {{ source('raw', 'sales_orders') }}
    where _load_id <= (select max(load_id) from {{ ref('int_sales_orders') }})
    order by order_id, _load_id desc
),

expected as (
    select count(*) as lines, coalesce(sum(quantity), 0) as pieces from delivered
),

found as (
    select count(*) as lines, coalesce(sum(quantity), 0) as pieces from {{ ref('int_sales_orders') }}
)

select
    expected.lines as lines_delivered,
    found.lines as lines_in_model,
    expected.pieces as pieces_delivered,
    found.pieces as pieces_in_model
from expected
cross join found
where (expected.lines, expected.pieces) is distinct from (found.lines, found.pieces)
