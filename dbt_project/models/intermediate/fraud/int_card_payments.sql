{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['card_transactions'])) }}",
    indexes=[
        {'columns': ['transaction_id'], 'unique': true},
        {'columns': ['customer_id', 'created_at', 'transaction_id']},
        {'columns': ['load_id']},
    ],
) }}

-- What a customer used to pay, as it was known when each payment was made: totals over the payments before it, never after.
-- Incremental by load, at a cost that grows with what arrived: a customer's totals are carried on from the last payment
-- before the first new one (one index look-up), and only payments from there on are worked out again. A payment that comes
-- late, or comes again in another file, thereby also mends the later ones of its customer.
with

arrived as (
    {{ arrived(
        ref('stg_card_transactions'), 'transaction_id',
        ['transaction_id', 'customer_id', 'terminal_id', 'amount', 'created_at', 'load_id', 'loaded_at']
    ) }}
),

{% if is_incremental() %}

touched_instants as (
    select customer_id, created_at, load_id, loaded_at from arrived

    union all

    select replaced.customer_id, replaced.created_at, arrived.load_id, arrived.loaded_at
    from {{ this }} as replaced
    inner join arrived on arrived.transaction_id = replaced.transaction_id
),

touched as (
    select
        customer_id,
        min(created_at) as since,
        max(load_id) as load_id,
        max(loaded_at) as loaded_at
    from touched_instants
    where customer_id is not null and created_at is not null
    group by customer_id
),

totals_before as (
    select
        touched.customer_id,
        coalesce(last_payment.earlier_payments + (last_payment.amount is not null)::int, 0) as payments,
        coalesce(last_payment.earlier_amount + coalesce(last_payment.amount, 0), 0) as amount
    from touched
    left join lateral (
        select known.earlier_payments, known.earlier_amount, known.amount
        from {{ this }} as known
        where known.customer_id = touched.customer_id and known.created_at < touched.since
        order by known.created_at desc, known.transaction_id desc
        limit 1
    ) as last_payment on true
),

payments as (
    select * from arrived

    union all

    select
        known.transaction_id,
        known.customer_id,
        known.terminal_id,
        known.amount,
        known.created_at,
        touched.load_id,
        touched.loaded_at
    from touched
    inner join {{ this }} as known on known.customer_id = touched.customer_id and known.created_at >= touched.since
    where not exists (select 1 from arrived where arrived.transaction_id = known.transaction_id)
),

{% else %}

totals_before as (
    select
        null::text as customer_id,
        0::bigint as payments,
        0::numeric as amount
    where false
),

payments as (
    select * from arrived
),

{% endif %}

with_totals as (
    select
        payments.*,
        coalesce(totals_before.payments, 0) + count(payments.amount) over earlier as earlier_payments,
        coalesce(totals_before.amount, 0) + coalesce(sum(payments.amount) over earlier, 0) as earlier_amount
    from payments
    left join totals_before on totals_before.customer_id = payments.customer_id
    window earlier as (
        partition by payments.customer_id
        order by payments.created_at, payments.transaction_id
        rows between unbounded preceding and 1 preceding
    )
)

select
    transaction_id,
    customer_id,
    terminal_id,
    amount,
    created_at,
    case when customer_id is not null then earlier_payments end as earlier_payments,
    case when customer_id is not null then earlier_amount end as earlier_amount,
    case when customer_id is not null then round(earlier_amount / nullif(earlier_payments, 0), 4) end as usual_amount,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_of(['card_transactions'])) }} as corrections
from with_totals
