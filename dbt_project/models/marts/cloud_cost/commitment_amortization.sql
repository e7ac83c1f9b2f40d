{{ config(materialized='table', indexes=[{'columns': ['day']}]) }}

-- A fee paid for a term at once, spread evenly over the days of the term. Each day gets the difference of two rounded
-- running shares, so that the days add up to the fee to the last digit, whatever the number of days.
with

fees as (
    select
        billing_period,
        account_id,
        fee_type,
        fee_commitment_id as commitment_id,
        fee_start as term_start,
        fee_days as term_days,
        currency,
        sum(cost) as fee,
        greatest(scale(sum(cost)), 10) as digits,
        max(loaded_at) as loaded_at
    from {{ ref('int_account_daily_cost') }}
    where fee_type is not null
    group by billing_period, account_id, fee_type, fee_commitment_id, fee_start, fee_days, currency
)

select
    fees.billing_period as fee_billing_period,
    fees.account_id,
    fees.commitment_id,
    fees.fee_type,
    fees.term_start,
    fees.term_start + fees.term_days as term_end,
    fees.term_days,
    fees.currency,
    fees.fee,
    fees.term_start + day_number - 1 as day,
    trim_scale(
        round(fees.fee * day_number / fees.term_days, fees.digits)
        - round(fees.fee * (day_number - 1) / fees.term_days, fees.digits)
    ) as amortized_cost,
    fees.loaded_at
from fees
cross join lateral generate_series(1, fees.term_days) as day_number
