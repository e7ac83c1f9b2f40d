with

source as (
    select * from {{ source('raw', 'weather_forecasts') }}
),

renamed as (
    select
        forecast_id,
        region,
        issued_at,
        valid_from,
        valid_until,
        wind_kmh,
        precipitation_mm,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
