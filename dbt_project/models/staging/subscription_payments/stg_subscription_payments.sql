with

source as (
    select * from {{ source('raw', 'subscription_payments') }}
),

renamed as (
    select
        payment_id,
        subscription_id,
        paid_on,
        amount,
        currency,
        status,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
