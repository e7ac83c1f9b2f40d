with

source as (
    select * from {{ source('raw', 'support_tickets') }}
),

renamed as (
    select
        ticket_id,
        account_id,
        location_id,
        subject,
        priority,
        opened_at,
        closed_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
