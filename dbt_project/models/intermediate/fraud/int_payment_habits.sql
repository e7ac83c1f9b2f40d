{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['card_transactions'])) }}",
    indexes=[
        {'columns': ['transaction_id'], 'unique': true},
        {'columns': ['customer_id', 'created_at']},
        {'columns': ['load_id']},
    ],
) }}

-- How far a payment is from its customer's habit, as it could be known when it was made: every frame ends before the
-- payment's own instant. A payment is judged once, when it arrives; one that comes late changes none that was judged.
-- The habit is reckoned twice: first over all earlier payments, which tells jumps, then over those that were no jump, so
-- that a stolen card does not become the habit. A few payments of the typical amount stand in for a history that is short.
with

arrived as (
    {{ arrived(
        ref('stg_card_transactions'), 'transaction_id',
        ['transaction_id', 'customer_id', 'terminal_id', 'amount', 'created_at', 'load_id', 'loaded_at']
    ) }}
),

payments as (
    select
        *,
        null::numeric as known_times_all,
        true as is_new
    from arrived
    {% if is_incremental() %}

    union all

    select
        known.transaction_id,
        known.customer_id,
        known.terminal_id,
        known.amount,
        known.created_at,
        known.load_id,
        known.loaded_at,
        known.times_all,
        false
    from {{ this }} as known
    where
        known.customer_id in (select customer_id from arrived)
        and known.created_at >= (select min(created_at) from arrived) - interval '{{ var("card_habit_days") }} days'
        and not exists (select 1 from arrived where arrived.transaction_id = known.transaction_id)
    {% endif %}
),

with_all as (
    select
        *,
        coalesce(known_times_all, amount / {{ usual_amount('sum(amount) over earlier', 'count(amount) over earlier') }})
            as times_all
    from payments
    window earlier as (
        partition by customer_id
        order by created_at
        range between interval '{{ var("card_habit_days") }} days' preceding and interval '1 microsecond' preceding
    )
),

with_jumps as (
    select *, coalesce(times_all >= 2.5, false) as is_jump from with_all
),

with_habit as (
    select
        *,
        {{ usual_amount(
            'sum(amount) filter (where not is_jump) over earlier',
            'count(amount) filter (where not is_jump) over earlier'
        ) }} as habit,
        count(*) filter (where is_jump) over lately as recent_jumps
    from with_jumps
    window
        earlier as (
            partition by customer_id
            order by created_at
            range between interval '{{ var("card_habit_days") }} days' preceding and interval '1 microsecond' preceding
        ),
        lately as (
            partition by customer_id
            order by created_at
            range between interval '{{ var("card_jump_days") }} days' preceding and interval '1 microsecond' preceding
        )
)

select
    transaction_id,
    customer_id,
    terminal_id,
    amount,
    created_at,
    times_all,
    case when customer_id is not null then round(habit, 4) end as habit,
    case when customer_id is not null then round(amount / habit, 4) end as times_usual,
    case when customer_id is not null then recent_jumps end as recent_jumps,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_of(['card_transactions'])) }} as corrections
from with_habit
where is_new
