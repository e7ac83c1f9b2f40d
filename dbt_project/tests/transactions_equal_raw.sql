-- Every payment delivered, and every cent of it, is in the mart; a payment delivered twice counts once, as delivered last.
-- Only loads that the mart has seen are compared: one that commits while the models are built belongs to the next build.
with

delivered as (
    select distinct on (transaction_id)
        transaction_id,
        tx_amount::numeric(18, 2) as amount
    from {{ source('raw', 'card_transactions') }}
    where _load_id <= (select max(payment_load_id) from {{ ref('transactions') }})
    order by transaction_id, _load_id desc
),

expected as (
    select count(*) as payments, coalesce(sum(amount), 0) as amount from delivered
),

found as (
    select count(*) as payments, coalesce(sum(amount), 0) as amount from {{ ref('transactions') }}
)

select
    expected.payments as payments_delivered,
    found.payments as payments_in_mart,
    expected.amount as amount_delivered,
    found.amount as amount_in_mart
from expected
cross join found
where (expected.payments, expected.amount) is distinct from (found.payments, found.amount)
