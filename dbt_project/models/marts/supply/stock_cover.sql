{{ config(materialized='table') }}

-- The count is of the morning: day 1 is the day of the count itself, and what arrives on a day can be sold on it.
-- The balance of each of the next sixty days is what is on hand and what has arrived by then, less the demand so far;
-- the cover ends with the day before the first that can't be served. An order placed on the day of the count arrives
-- `lead_days` later, in the morning: with as many days of cover nothing is missing, and no day is to spare.
-- An arrival that is overdue is not counted: nobody knows its day.
with

counted as (
    select * from {{ ref('stg_stock_levels') }}
),

forecast as (
    select * from {{ ref('int_demand_forecast') }}
),

arrivals as (
    select
        counted.product_id,
        counted.warehouse,
        purchases.expected_on,
        purchases.expected_on < counted.counted_on as is_overdue,
        purchases.quantity
    from counted
    inner join {{ ref('stg_purchase_orders') }} as purchases
        on purchases.product_id = counted.product_id and purchases.warehouse = counted.warehouse
    where purchases.status = 'open'
),

incoming as (
    select
        product_id,
        warehouse,
        sum(quantity) filter (where not is_overdue) as quantity,
        sum(quantity) filter (where is_overdue) as overdue_quantity,
        min(expected_on) filter (where not is_overdue) as next_arrival_on
    from arrivals
    group by product_id, warehouse
),

expected as (
    select
        counted.product_id,
        counted.warehouse,
        horizon.day_number,
        counted.counted_on + horizon.day_number - 1 as day,
        counted.on_hand,
        forecast.daily_spread,
        -- While nothing was left to sell, what was sold says nothing about what was wanted.
        coalesce(
            forecast.usual_quantity
            * case when counted.on_hand <= 0 then greatest(forecast.change, 1) else forecast.change end,
            0
        ) as demand
    from counted
    cross join generate_series(1, 60) as horizon (day_number)
    left join forecast
        on forecast.product_id = counted.product_id
        and forecast.warehouse = counted.warehouse
        and forecast.weekday = extract(isodow from counted.counted_on + horizon.day_number - 1)
),

running as (
    select
        *,
        sum(demand) over (partition by product_id, warehouse order by day_number) as demand_so_far
    from expected
),

balances as (
    select
        running.product_id,
        running.warehouse,
        running.day_number,
        running.day,
        running.demand,
        running.demand_so_far,
        running.on_hand + coalesce(sum(arrivals.quantity), 0) - running.demand_so_far as balance,
        1.28 * coalesce(running.daily_spread, 0) * sqrt(running.day_number) as margin
    from running
    left join arrivals
        on arrivals.product_id = running.product_id
        and arrivals.warehouse = running.warehouse
        and arrivals.expected_on <= running.day
        and not arrivals.is_overdue
    group by
        running.product_id, running.warehouse, running.day_number, running.day, running.demand, running.demand_so_far,
        running.on_hand, running.daily_spread
),

cover as (
    select
        balances.product_id,
        balances.warehouse,
        coalesce(min(balances.day_number) filter (where round(balances.balance, 6) < 0), 61) - 1 as days_of_cover,
        coalesce(min(balances.day_number) filter (where balances.balance - balances.margin < 0), 61) - 1
            as days_of_cover_if_busy,
        sum(balances.demand) filter (where balances.day_number <= 7) / 7 as daily_demand,
        sum(balances.demand) filter (where balances.day < incoming.next_arrival_on) as needed_until_arrival
    from balances
    left join incoming on incoming.product_id = balances.product_id and incoming.warehouse = balances.warehouse
    group by balances.product_id, balances.warehouse
),

purchase_loads as (
    select max(load_id) as load_id, max(loaded_at) as loaded_at from {{ ref('stg_purchase_orders') }}
),

demand as (
    select distinct on (product_id, warehouse)
        product_id,
        warehouse,
        daily_spread,
        change,
        load_id,
        loaded_at
    from forecast
    order by product_id, warehouse
)

select
    counted.product_id,
    counted.product,
    counted.product_class,
    counted.warehouse,
    counted.status,
    counted.counted_on,
    counted.on_hand,
    counted.lead_days,
    round(cover.daily_demand, 2) as daily_demand,
    round(demand.daily_spread, 2) as demand_spread,
    round(demand.change, 2) as demand_change,
    coalesce(incoming.quantity, 0) as incoming_quantity,
    incoming.next_arrival_on,
    round(cover.needed_until_arrival) as needed_until_arrival,
    coalesce(incoming.overdue_quantity, 0) as overdue_quantity,
    cover.days_of_cover,
    cover.days_of_cover_if_busy,
    cover.days_of_cover - counted.lead_days as days_to_spare,
    case when cover.days_of_cover < 60 then counted.counted_on + cover.days_of_cover end as runs_out_on,
    greatest(counted.loaded_at, demand.loaded_at, purchase_loads.loaded_at) as loaded_at,
    counted.load_id as stock_load_id,
    demand.load_id as sales_load_id,
    purchase_loads.load_id as purchase_load_id
from counted
inner join cover on cover.product_id = counted.product_id and cover.warehouse = counted.warehouse
left join demand on demand.product_id = counted.product_id and demand.warehouse = counted.warehouse
left join incoming on incoming.product_id = counted.product_id and incoming.warehouse = counted.warehouse
cross join purchase_loads
