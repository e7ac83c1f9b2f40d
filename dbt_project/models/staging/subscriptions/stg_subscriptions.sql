with

source as (
    select * from {{ source('raw', 'subscriptions') }}
),

renamed as (
    select
        subscription_id,
        account_id,
        plan,
        monthly_price,
        currency,
        started_on,
        ended_on,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
