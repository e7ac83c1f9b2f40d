-- What customers are worth adds up to their settled payments, to the cent, and so do the payments themselves.
with

expected as (
    select
        count(*) as payments,
        coalesce(sum(amount) filter (where status = 'settled'), 0) as value
    from {{ ref('transactions') }}
    where
        customer_id is not null
        and (created_at at time zone 'UTC')::date <= (select max(measured_on) from {{ ref('customer_value') }})
),

found as (
    select
        coalesce(sum(payments), 0) as payments,
        coalesce(sum(lifetime_value), 0) as value
    from {{ ref('customer_value') }}
)

select
    expected.payments as payments_made,
    found.payments as payments_in_mart,
    expected.value as value_settled,
    found.value as value_in_mart
from expected
cross join found
where (expected.payments, expected.value) is distinct from (found.payments, found.value)
