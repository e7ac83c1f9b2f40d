with

source as (
    select * from {{ source('raw', 'storage_readings') }}
),

renamed as (
    select
        reading_id,
        room_id,
        room as room_name,
        kind as room_kind,
        measured_at,
        temperature_c,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
