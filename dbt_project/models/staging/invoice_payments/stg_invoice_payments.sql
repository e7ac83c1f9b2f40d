with

source as (
    select * from {{ source('raw', 'invoice_payments') }}
),

renamed as (
    select
        payment_id,
        invoice_id,
        amount,
        paid_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
