with

source as (
    select * from {{ source('raw', 'invoices') }}
),

renamed as (
    select
        invoice_id,
        customer_id::text as customer_id,
        lower(trim(billing_email)) as billing_email,
        timezone,
        issued_at,
        due_at,
        amount,
        upper(currency) as currency,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
