{{ config(materialized='table', indexes=[{'columns': ['customer_id'], 'unique': true}]) }}

-- Quiet is counted back from the last day that the payment provider reported: when its files stop, nobody goes quiet.
with

days as (
    select * from {{ ref('customer_daily_value') }}
),

customers as (
    select * from {{ ref('int_customers') }}
),

consents as (
    select * from {{ ref('stg_marketing_consents') }}
),

known as (
    select {{ reported_until('card_transactions', '(select max(day) from days)') }} as measured_on
),

summed as (
    select
        days.customer_id,
        sum(days.value) as lifetime_value,
        coalesce(sum(days.value) filter (where days.day > known.measured_on - 90), 0) as value_90_days,
        sum(days.payments)::bigint as payments,
        min(days.day) as first_payment_on,
        max(days.day) as last_payment_on,
        max(known.measured_on) as measured_on,
        max(days.loaded_at) as loaded_at
    from days
    cross join known
    where days.day <= known.measured_on
    group by days.customer_id
)

select
    summed.customer_id,
    coalesce(customers.customer_name, 'Customer ' || summed.customer_id) as customer_name,
    customers.segment,
    consents.email,
    coalesce(consents.is_given, false) as has_consent,
    consents.changed_on as consent_changed_on,
    summed.lifetime_value,
    summed.value_90_days,
    summed.payments,
    summed.first_payment_on,
    summed.last_payment_on,
    summed.measured_on,
    summed.measured_on - summed.last_payment_on as days_quiet,
    greatest(summed.loaded_at, customers.loaded_at, consents.loaded_at) as loaded_at
from summed
left join customers on customers.customer_id = summed.customer_id
left join consents on consents.customer_id = summed.customer_id
