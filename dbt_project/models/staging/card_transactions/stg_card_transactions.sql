with

source as (
    select * from {{ source('raw', 'card_transactions') }}
),

-- tx_fraud is what investigators learned later. It passes as was_fraud to one model alone, int_terminal_reports, which
-- reads it where it is at least a week old; tx_fraud_scenario, which nobody would be told, ends here.
renamed as (
    select
        transaction_id::text as transaction_id,
        customer_id::text as customer_id,
        terminal_id::text as terminal_id,
        tx_amount::numeric(18, 2) as amount,
        tx_datetime at time zone 'UTC' as created_at,
        tx_fraud = 1 as was_fraud,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
