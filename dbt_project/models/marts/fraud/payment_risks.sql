{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_in(ref('int_payment_habits'))) }}",
    indexes=[
        {'columns': ['transaction_id'], 'unique': true},
        {'columns': ['day']},
        {'columns': ['loaded_at']},
        {'columns': ['load_id']},
    ],
) }}

-- The chance that a payment is fraud, and whether it gets one of the day's places: see docs/examples/card_fraud.md.
-- A payment is judged once, in the order of time within its day; one that comes late finds the places that are left.
{% set places = var('card_alerts_a_day') %}
{% set compromised = "interval '" ~ var('card_compromise_days') ~ " days'" %}
with recursive

arrived as (
    select * from {{ ref('int_payment_habits') }}
    {% if is_incremental() %}
    where load_id > {{ last_load('load_id') }}
    {% endif %}
),

-- While a compromise lasts as long as it does, it may have begun at any instant between the last clean payment and the
-- first report: the share of these beginnings from which it would last until now, among those from which it lasted until
-- the last report. greatest() skips NULLs: without a clean payment it may have begun at any time.
with_terminal as (
    select
        arrived.*,
        (arrived.created_at at time zone 'UTC')::date as day,
        (arrived.created_at at time zone 'UTC')::time as time_of_day,
        reports.reports as terminal_reports,
        reports.last_clean_at,
        reports.confirmed_frauds,
        case when reports.reports = 0 then 0 else
            greatest(0, extract(epoch from
                reports.reports_since - greatest(reports.last_clean_at, arrived.created_at - {{ compromised }})
            ))
            / nullif(extract(epoch from
                reports.reports_since - greatest(reports.last_clean_at, reports.last_report_at - {{ compromised }})
            ), 0)
        end as still_compromised
    from arrived
    inner join {{ ref('int_terminal_reports') }} as reports on reports.transaction_id = arrived.transaction_id
),

with_risks as (
    select
        *,
        round((
            coalesce(still_compromised, 0)
            * case when terminal_reports = 1 and last_clean_at is not null then {{ var('card_lone_report_risk') }}
                else {{ var('card_report_risk') }} end
        )::numeric, 4) as terminal_risk,
        round((case
            when amount > {{ var('card_large_amount') }} then {{ var('card_large_risk') }}
            when times_usual is not null then 1 / (1 + exp(-(
                {{ var('card_jump_intercept') }}
                + {{ var('card_jump_per_times_usual') }} * least(greatest(times_usual, 1.5), 6)
                + {{ var('card_jump_per_recent_jump') }} * case when times_usual >= 2 then least(recent_jumps, 3) else 0 end
            )::double precision))
        end)::numeric, 4) as amount_risk
    from with_terminal
),

scored as materialized (
    select
        *,
        round(1 - (1 - terminal_risk) * (1 - coalesce(amount_risk, 0)), 4) as risk
    from with_risks
),

-- Those that may ask for a place: the new ones, and those of the days before, which tell how many are to be expected.
risky as materialized (
    select
        transaction_id,
        day,
        time_of_day,
        risk
    from scored
    where risk >= {{ var('card_least_risk') }}
    {% if is_incremental() %}

    union all

    select
        known.transaction_id,
        known.day,
        (known.created_at at time zone 'UTC')::time,
        known.risk
    from {{ this }} as known
    where
        known.risk >= {{ var('card_least_risk') }}
        and known.day >= (select min(day) from scored) - 7
        and not exists (select 1 from arrived where arrived.transaction_id = known.transaction_id)
    {% endif %}
),

days as materialized (
    select day from scored
    group by day
    {% if is_incremental() %}

    union

    select day from {{ this }}
    where day >= (select min(day) from scored) - 7
    group by day
    {% endif %}
),

-- On an average day of the last seven: how many riskier payments came after this time of the day.
candidates as materialized (
    select
        scored.transaction_id,
        scored.day,
        row_number() over (partition by scored.day order by scored.created_at, scored.transaction_id) as number,
        (
            select count(*)
            from risky
            where
                risky.day between scored.day - 7 and scored.day - 1
                and risky.time_of_day > scored.time_of_day
                and risky.risk > scored.risk
        )::numeric
        / greatest(1, (select count(*) from days where days.day between scored.day - 7 and scored.day - 1))
            as expected_ahead
    from scored
    where scored.risk >= {{ var('card_least_risk') }}
),

-- One after the other: a payment gets a place if there will be one left for each riskier one that is to be expected.
decided as (
    select
        days.day,
        0::bigint as number,
        {% if is_incremental() %}
        (
            select count(*)
            from {{ this }} as known
            where
                known.day = days.day
                and known.place is not null
                and not exists (select 1 from arrived where arrived.transaction_id = known.transaction_id)
        )
        {%- else %}
        0::bigint
        {%- endif %} as taken,
        null::text as transaction_id,
        null::bigint as place
    from days

    union all

    select
        candidates.day,
        candidates.number,
        decided.taken + asked.gets_one::int,
        candidates.transaction_id,
        case when asked.gets_one then decided.taken + 1 end
    from decided
    inner join candidates on candidates.day = decided.day and candidates.number = decided.number + 1
    cross join lateral (
        select decided.taken < {{ places }} and decided.taken + candidates.expected_ahead < {{ places }} as gets_one
    ) as asked
)

select
    scored.transaction_id,
    scored.customer_id,
    scored.terminal_id,
    scored.amount,
    scored.created_at,
    scored.day,
    scored.habit as usual_amount,
    scored.times_usual,
    scored.recent_jumps,
    scored.terminal_reports,
    round(scored.still_compromised::numeric, 4) as still_compromised,
    scored.amount_risk,
    scored.terminal_risk,
    scored.risk,
    case
        when scored.amount > {{ var('card_large_amount') }} then 'a large amount'
        when coalesce(scored.amount_risk, 0) >= scored.terminal_risk then 'an amount far over the habit'
        else 'a terminal with fraud reports'
    end as reason,
    decided.place,
    scored.confirmed_frauds,
    scored.load_id,
    scored.loaded_at,
    {{ corrections_stamp(corrections_in(ref('int_payment_habits'))) }} as corrections
from scored
left join decided on decided.transaction_id = scored.transaction_id
