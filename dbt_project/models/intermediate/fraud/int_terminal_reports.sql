{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_in(ref('int_payment_habits'))) }}",
    indexes=[
        {'columns': ['transaction_id'], 'unique': true},
        {'columns': ['terminal_id', 'created_at']},
        {'columns': ['created_at']},
        {'columns': ['load_id']},
    ],
) }}

-- What investigations had found at a payment's terminal when it was made. The only model that reads their results, and
-- only those of payments at least {{ var('card_label_days') }} days older: every frame over them ends there.
-- A fraud whose amount tells it (far over the habit, or large) is the card's, not the terminal's, and says nothing of it.
-- At a compromised terminal every payment is fraud until that ends, so what counts is the row of reports since the last
-- payment that was found clean: when it began, how long it is, and when the last one before it was clean.
{% set known = "range between unbounded preceding and interval '" ~ var('card_label_days') ~ " days' preceding" %}
with

arrived as (
    select * from {{ ref('int_payment_habits') }}
    {% if is_incremental() %}
    where load_id > {{ last_load('load_id') }}
    {% endif %}
),

results as (
    {{ arrived(ref('stg_card_transactions'), 'transaction_id', ['transaction_id', 'was_fraud']) }}
),

payments as (
    select
        arrived.transaction_id,
        arrived.terminal_id,
        arrived.created_at,
        arrived.load_id,
        results.was_fraud,
        case
            when not results.was_fraud then 'clean'
            when arrived.amount > {{ var('card_large_amount') }} or arrived.times_usual >= 2 then 'of the card'
            when results.was_fraud then 'of the terminal'
        end as verdict,
        true as is_new
    from arrived
    left join results on results.transaction_id = arrived.transaction_id
    {% if is_incremental() %}

    union all

    select
        earlier.transaction_id,
        earlier.terminal_id,
        earlier.created_at,
        earlier.load_id,
        earlier.was_fraud,
        earlier.verdict,
        false
    from {{ this }} as earlier
    where
        earlier.terminal_id in (select terminal_id from arrived)
        and earlier.created_at >= (select min(created_at) from arrived)
            - interval '{{ 2 * var("card_compromise_days") + var("card_label_days") }} days'
        and not exists (select 1 from arrived where arrived.transaction_id = earlier.transaction_id)
    {% endif %}
),

counted as (
    select
        *,
        count(*) filter (where verdict = 'clean') over so_far as clean_so_far,
        count(*) filter (where verdict = 'of the terminal') over so_far as reports_so_far
    from payments
    window so_far as (partition by terminal_id order by created_at, transaction_id)
),

in_rows as (
    select
        *,
        case when verdict = 'of the terminal' then
            min(created_at) filter (where verdict = 'of the terminal') over row_so_far
        end as row_since,
        case when verdict = 'of the terminal' then
            reports_so_far - count(*) filter (where verdict = 'of the terminal') over row_so_far
        end as reports_before_row
    from counted
    window row_so_far as (partition by terminal_id, clean_so_far order by created_at, transaction_id)
),

-- A later row of reports begins later, and more reports came before it: so the greatest value that is known is the last.
as_known as (
    select
        *,
        max(created_at) filter (where verdict = 'clean') over known as last_clean_at,
        max(created_at) filter (where verdict = 'of the terminal') over known as last_report_at,
        max(row_since) over known as reports_since,
        count(*) filter (where verdict = 'of the terminal') over known - max(reports_before_row) over known as reports
    from in_rows
    window known as (partition by terminal_id order by created_at {{ known }})
),

frauds as (
    select created_at from payments
    where is_new and was_fraud
    {% if is_incremental() %}

    union all

    select earlier.created_at from {{ this }} as earlier
    where
        earlier.was_fraud
        and earlier.created_at >= (select min(created_at) from arrived) - interval '{{ var("card_label_days") + 31 }} days'
        and not exists (select 1 from arrived where arrived.transaction_id = earlier.transaction_id)
    {% endif %}
),

-- Counted once a day, as its beginning found them.
confirmed as (
    select
        days.day,
        count(*) as frauds
    from (select distinct date_trunc('day', created_at, 'UTC') as day from payments where is_new) as days
    inner join frauds
        on
            frauds.created_at < days.day - interval '{{ var("card_label_days") }} days'
            and frauds.created_at >= days.day - interval '{{ var("card_label_days") + 30 }} days'
    group by days.day
)

select
    as_known.transaction_id,
    as_known.terminal_id,
    as_known.created_at,
    as_known.was_fraud,
    as_known.verdict,
    as_known.last_clean_at,
    case when is_suspected.yes then as_known.last_report_at end as last_report_at,
    case when is_suspected.yes then as_known.reports_since end as reports_since,
    case when is_suspected.yes then as_known.reports else 0 end as reports,
    coalesce(confirmed.frauds, 0) as confirmed_frauds,
    as_known.load_id,
    {{ corrections_stamp(corrections_in(ref('int_payment_habits'))) }} as corrections
from as_known
cross join lateral (
    select terminal_id is not null and last_report_at > coalesce(last_clean_at, '-infinity') as yes
) as is_suspected
left join confirmed on confirmed.day = date_trunc('day', as_known.created_at, 'UTC')
where as_known.is_new
