with

source as (
    select * from {{ source('raw', 'dose_allotments') }}
),

renamed as (
    select
        clinic,
        week_from,
        doses,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
