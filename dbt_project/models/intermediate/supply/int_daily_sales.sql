{{ config(materialized='view') }}

-- The four weeks before the count, read by index however long the history is. Days without a sale count as nothing sold,
-- but only from the first sale on: a product that is new must not be taken for one that nobody wanted before.
with

counted as (
    select
        product_id,
        warehouse,
        counted_on
    from {{ ref('stg_stock_levels') }}
),

sold as (
    select
        counted.product_id,
        counted.warehouse,
        counted.counted_on,
        orders.sold_on,
        sum(orders.quantity) as quantity,
        max(orders.load_id) as load_id,
        max(orders.loaded_at) as loaded_at
    from {{ ref('int_sales_orders') }} as orders
    inner join counted on counted.product_id = orders.product_id and counted.warehouse = orders.warehouse
    where
        orders.sold_on >= (select max(newest.counted_on) - 28 from counted as newest)
        and orders.sold_on >= counted.counted_on - 28
        and orders.sold_on < counted.counted_on
    group by counted.product_id, counted.warehouse, counted.counted_on, orders.sold_on
),

days as (
    select
        sold.product_id,
        sold.warehouse,
        sold.counted_on,
        day::date as day
    from (
        select product_id, warehouse, counted_on, min(sold_on) as first_sold_on
        from sold
        group by product_id, warehouse, counted_on
    ) as sold
    cross join lateral generate_series(sold.first_sold_on, sold.counted_on - 1, interval '1 day') as day
)

select
    days.product_id,
    days.warehouse,
    days.day,
    days.day >= days.counted_on - 7 as is_this_week,
    coalesce(sold.quantity, 0) as quantity,
    sold.load_id,
    sold.loaded_at
from days
left join sold
    on sold.product_id = days.product_id and sold.warehouse = days.warehouse and sold.sold_on = days.day
