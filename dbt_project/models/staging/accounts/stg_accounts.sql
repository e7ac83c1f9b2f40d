with

source as (
    select * from {{ source('raw', 'accounts') }}
),

renamed as (
    select
        account_id,
        name as account_name,
        plan,
        status,
        owner_name,
        owner_email,
        started_on,
        renews_on,
        closed_on,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
