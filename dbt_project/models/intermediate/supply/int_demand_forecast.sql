{{ config(materialized='view') }}

-- What each day of the week is expected to sell: its mean over four weeks, moved by how this week compares with such a
-- week. A day of the week that was not seen yet takes the mean of all days.
with

sales as (
    select * from {{ ref('int_daily_sales') }}
),

by_weekday as (
    select
        product_id,
        warehouse,
        extract(isodow from day)::integer as weekday,
        avg(quantity) as usual_quantity
    from sales
    group by product_id, warehouse, extract(isodow from day)
),

spread as (
    select
        sales.product_id,
        sales.warehouse,
        coalesce(stddev_samp(sales.quantity - by_weekday.usual_quantity), 0) as daily_spread,
        avg(sales.quantity) as daily_mean,
        sum(sales.quantity) filter (where sales.is_this_week) as this_week,
        sum(by_weekday.usual_quantity) filter (where sales.is_this_week) as usual_week,
        max(sales.load_id) as load_id,
        max(sales.loaded_at) as loaded_at
    from sales
    inner join by_weekday
        on by_weekday.product_id = sales.product_id
        and by_weekday.warehouse = sales.warehouse
        and by_weekday.weekday = extract(isodow from sales.day)
    group by sales.product_id, sales.warehouse
)

select
    spread.product_id,
    spread.warehouse,
    weekdays.weekday,
    coalesce(by_weekday.usual_quantity, spread.daily_mean) as usual_quantity,
    spread.this_week / nullif(spread.usual_week, 0) as change,
    spread.daily_spread,
    spread.load_id,
    spread.loaded_at
from spread
cross join generate_series(1, 7) as weekdays (weekday)
left join by_weekday
    on by_weekday.product_id = spread.product_id
    and by_weekday.warehouse = spread.warehouse
    and by_weekday.weekday = weekdays.weekday
