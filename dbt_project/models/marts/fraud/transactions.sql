{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected('(' ~ corrections_in(ref('int_card_payments')) ~ ' + ' ~ corrections_in(ref('int_transaction_statuses')) ~ ')') }}",
    indexes=[
        {'columns': ['transaction_id'], 'unique': true},
        {'columns': ['customer_id', 'created_at']},
        {'columns': ['loaded_at']},
        {'columns': ['payment_load_id']},
        {'columns': ['status_load_id']},
        {'columns': ['customer_load_id']},
        {'columns': ['merchant_load_id']},
    ],
) }}

with

payments as (
    select * from {{ ref('int_card_payments') }}
),

statuses as (
    select * from {{ ref('int_transaction_statuses') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

terminals as (
    select * from {{ ref('int_terminals') }}
),

{% if is_incremental() %}

-- A row is written again only where the payment itself, its status, its customer or its merchant came with a newer load.
changed as (
    select transaction_id from payments where load_id > {{ last_load('payment_load_id') }}

    union

    select transaction_id from statuses where load_id > {{ last_load('status_load_id') }}

    union

    select payments.transaction_id
    from customers
    inner join payments on payments.customer_id = customers.customer_id
    where customers.load_id > {{ last_load('customer_load_id') }}

    union

    select payments.transaction_id
    from terminals
    inner join payments on payments.terminal_id = terminals.terminal_id
    where terminals.load_id > {{ last_load('merchant_load_id') }}
),

{% endif %}

joined as (
    select
        payments.transaction_id,
        payments.customer_id,
        coalesce(customers.customer_name, 'Customer ' || payments.customer_id) as customer_name,
        customers.segment,
        payments.terminal_id,
        coalesce(terminals.merchant, 'Terminal ' || payments.terminal_id) as merchant,
        terminals.merchant_category,
        payments.amount,
        coalesce(statuses.status, 'pending') as status,
        statuses.changed_at as status_changed_at,
        payments.created_at,
        payments.usual_amount,
        payments.earlier_payments,
        -- greatest() skips NULLs. After a correction every row counts as changed: what was taken back leaves no trace.
        greatest(
            payments.loaded_at,
            statuses.loaded_at,
            customers.loaded_at,
            terminals.loaded_at,
            {{ last_correction_of(['card_transactions', 'transaction_statuses']) }}
        ) as loaded_at,
        payments.load_id as payment_load_id,
        statuses.load_id as status_load_id,
        customers.load_id as customer_load_id,
        terminals.load_id as merchant_load_id
    from payments
    {% if is_incremental() %}
    inner join changed on changed.transaction_id = payments.transaction_id
    {% endif %}
    left join statuses on statuses.transaction_id = payments.transaction_id
    left join customers on customers.customer_id = payments.customer_id
    left join terminals on terminals.terminal_id = payments.terminal_id
)

select
    transaction_id,
    customer_id,
    customer_name,
    segment,
    terminal_id,
    merchant,
    merchant_category,
    amount,
    status,
    status_changed_at,
    created_at,
    usual_amount,
    earlier_payments,
    loaded_at,
    payment_load_id,
    status_load_id,
    customer_load_id,
    merchant_load_id,
    {{ corrections_stamp(
        corrections_in(ref('int_card_payments')) ~ ' + ' ~ corrections_in(ref('int_transaction_statuses'))
    ) }} as corrections
from joined
