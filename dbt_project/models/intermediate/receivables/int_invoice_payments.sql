{{ config(materialized='view') }}

with

latest as (
    select distinct on (payment_id)
        payment_id,
        invoice_id,
        amount,
        paid_at,
        loaded_at
    from {{ ref('stg_invoice_payments') }}
    order by payment_id, load_id desc
)

select
    invoice_id,
    sum(amount) as amount_paid,
    max(paid_at) as last_payment_at,
    max(loaded_at) as loaded_at
from latest
group by invoice_id
