-- A forecast takes the place of the one before it, for the regions and slots that it names.
with

forecasts as (
    select
        region,
        issued_at,
        valid_from,
        valid_until,
        wind_kmh,
        precipitation_mm,
        load_id,
        loaded_at
    from {{ ref('stg_weather_forecasts') }}
),

newest as (
    select
        region,
        max(issued_at) as issued_at
    from forecasts
    group by region
)

select distinct on (forecasts.region, forecasts.valid_from)
    forecasts.region,
    forecasts.issued_at,
    forecasts.valid_from,
    forecasts.valid_until,
    forecasts.wind_kmh,
    forecasts.precipitation_mm,
    forecasts.loaded_at
from forecasts
inner join newest on newest.region = forecasts.region and newest.issued_at = forecasts.issued_at
order by forecasts.region, forecasts.valid_from, forecasts.load_id desc
