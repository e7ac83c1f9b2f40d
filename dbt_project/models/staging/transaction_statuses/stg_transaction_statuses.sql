with

source as (
    select * from {{ source('raw', 'transaction_statuses') }}
),

renamed as (
    select
        event_id,
        transaction_id::text as transaction_id,
        status,
        changed_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
