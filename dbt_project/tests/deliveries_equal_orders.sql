-- One row in the mart for every order delivered to us, among the loads that the mart has seen.
with

expected as (
    select count(distinct delivery_id) as orders
    from {{ source('raw', 'delivery_orders') }}
    where _load_id <= (select max(order_load_id) from {{ ref('deliveries') }})
),

found as (
    select count(*) as orders from {{ ref('deliveries') }}
)

select
    expected.orders as orders_delivered,
    found.orders as orders_in_mart
from expected
cross join found
where expected.orders <> found.orders
