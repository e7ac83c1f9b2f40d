with

source as (
    select * from {{ source('raw', 'delivery_events') }}
),

renamed as (
    select
        event_id,
        delivery_id,
        event,
        happened_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
