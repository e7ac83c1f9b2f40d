with

forecasts as (
    select
        region,
        (valid_from at time zone 'UTC')::date as day,
        max(wind_kmh) as highest_wind_kmh,
        sum(precipitation_mm) as precipitation_mm,
        max(issued_at) as issued_at,
        max(loaded_at) as loaded_at
    from {{ ref('int_newest_forecasts') }}
    group by 1, 2
),

waiting as (
    select
        region,
        (promised_at at time zone 'UTC')::date as day,
        count(*) as deliveries
    from {{ ref('deliveries') }}
    where status in ('ordered', 'on_the_way')
    group by 1, 2
)

select
    forecasts.region,
    forecasts.day,
    forecasts.day::timestamp at time zone 'UTC' as begins_at,
    (forecasts.day + 1)::timestamp at time zone 'UTC' as ends_at,
    forecasts.highest_wind_kmh,
    forecasts.precipitation_mm,
    coalesce(waiting.deliveries, 0) as deliveries_promised,
    forecasts.issued_at,
    forecasts.loaded_at
from forecasts
left join waiting on waiting.region = forecasts.region and waiting.day = forecasts.day
