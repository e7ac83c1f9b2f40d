{{ config(group='fraud') }}

-- The totals carried from load to load are those of the whole history: for the payments that the newest load touched,
-- the earlier payments are counted again from the beginning.
with

newest as (
    select *
    from {{ ref('int_card_payments') }}
    where load_id = {{ last_load('load_id', ref('int_card_payments')) }}
    order by transaction_id
    limit 200
),

counted as (
    select
        newest.transaction_id,
        newest.earlier_payments,
        newest.earlier_amount,
        (
            select row(count(earlier.amount), coalesce(sum(earlier.amount), 0))
            from {{ ref('int_card_payments') }} as earlier
            where
                earlier.customer_id = newest.customer_id
                and (earlier.created_at, earlier.transaction_id) < (newest.created_at, newest.transaction_id)
        ) as from_the_beginning
    from newest
    where newest.customer_id is not null
)

select transaction_id, earlier_payments, earlier_amount
from counted
where row(earlier_payments, earlier_amount) is distinct from from_the_beginning
