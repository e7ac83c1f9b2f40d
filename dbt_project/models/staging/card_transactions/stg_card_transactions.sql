with

source as (
    select * from {{ source('raw', 'card_transactions') }}
),

-- The fraud labels (tx_fraud, tx_fraud_scenario) end here: what is learned later may not decide what is raised now.
renamed as (
    select
        transaction_id::text as transaction_id,
        customer_id::text as customer_id,
        terminal_id::text as terminal_id,
        tx_amount::numeric(18, 2) as amount,
        tx_datetime at time zone 'UTC' as created_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
