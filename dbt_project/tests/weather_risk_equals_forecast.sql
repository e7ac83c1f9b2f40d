{{ config(group='logistics') }}

-- No rain is lost or counted twice between the newest forecast and the mart.
with

expected as (
    select
        sum(precipitation_mm) as precipitation_mm,
        max(wind_kmh) as wind_kmh
    from {{ ref('int_newest_forecasts') }}
),

found as (
    select
        sum(precipitation_mm) as precipitation_mm,
        max(highest_wind_kmh) as wind_kmh
    from {{ ref('weather_risk') }}
)

select
    expected.precipitation_mm as forecast,
    found.precipitation_mm as in_mart
from expected
cross join found
where (expected.precipitation_mm, expected.wind_kmh) is distinct from (found.precipitation_mm, found.wind_kmh)
