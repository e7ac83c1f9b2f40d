with

source as (
    select * from {{ source('raw', 'visits') }}
),

renamed as (
    select
        visit_id,
        location_id,
        signed_in_at,
        is_host_notified,
        device,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
