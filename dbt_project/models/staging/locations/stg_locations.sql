with

source as (
    select * from {{ source('raw', 'locations') }}
),

renamed as (
    select
        location_id,
        account_id,
        name as location_name,
        city,
        opened_on,
        closed_on,
        closure_from,
        closure_until,
        closure_reason,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
