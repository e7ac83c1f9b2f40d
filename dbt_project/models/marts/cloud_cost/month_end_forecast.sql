{{ config(materialized='table') }}

-- What a month will have cost at its end: the days that are complete, and for each day that is left the median of the same
-- weekday among the last 28 complete days, or of all of them while there are fewer than three of that weekday. A median,
-- so that one odd day moves nothing; by weekday, so that a weekend is no saving. All of it is worked out anew from the
-- newest delivery, so a restated day counts as restated. With fewer than three days of data there is no forecast.
-- Low and high: the residuals of those days around their medians, added up over the days left (80 % of cases, were the
-- days independent).
{%- set trailing_days = 28 %}
with

costs as (
    select billing_period, team, day, currency, cost, delivery, loaded_at from {{ ref('team_daily_cost') }}
),

budgets as (
    select team, daily_budget, monthly_budget, currency from {{ ref('stg_team_budgets') }}
),

-- Days before complete_until are complete in the newest delivery; the one it ends in may still grow.
periods as (
    select
        billing_period,
        min(period_start) as period_start,
        max(period_end) as period_end,
        least(
            max(period_end),
            coalesce((max(usage_until) at time zone 'UTC')::date, max(day) + 1)
        ) as complete_until
    from {{ ref('int_account_daily_cost') }}
    group by billing_period
),

daily as (
    select team, day, currency, sum(cost) as cost from costs group by team, day, currency
    union all
    select 'all teams', day, currency, sum(cost) from costs group by day, currency
),

known as (
    select team, currency, min(day) as first_day from daily group by team, currency
),

in_period as (
    select
        periods.billing_period,
        periods.period_start,
        periods.period_end,
        periods.complete_until,
        known.team,
        known.currency,
        known.first_day
    from periods
    inner join known on known.first_day < periods.period_end
),

-- A day without any cost is a day that cost nothing, from the team's first day on.
past_days as (
    select
        in_period.billing_period,
        in_period.team,
        in_period.currency,
        past.day::date as day,
        extract(isodow from past.day) as weekday,
        coalesce(daily.cost, 0) as cost
    from in_period
    cross join lateral generate_series(
        greatest(in_period.first_day, in_period.complete_until - {{ trailing_days }}),
        in_period.complete_until - 1,
        interval '1 day'
    ) as past (day)
    left join daily
        on daily.team = in_period.team
        and daily.currency = in_period.currency
        and daily.day = past.day::date
    where in_period.complete_until < in_period.period_end
),

-- The mean of the middle two, exact: percentile_cont would answer in floating point.
weekday_medians as (
    select
        billing_period,
        team,
        currency,
        weekday,
        (
            percentile_disc(0.5) within group (order by cost)
            + percentile_disc(0.5) within group (order by cost desc)
        ) / 2 as median
    from past_days
    group by billing_period, team, currency, weekday
    having count(*) >= 3
),

medians as (
    select
        billing_period,
        team,
        currency,
        count(*) as days_of_data,
        (
            percentile_disc(0.5) within group (order by cost)
            + percentile_disc(0.5) within group (order by cost desc)
        ) / 2 as median
    from past_days
    group by billing_period, team, currency
),

spread as (
    select
        past_days.billing_period,
        past_days.team,
        past_days.currency,
        sqrt(
            sum(power(past_days.cost - coalesce(weekday_medians.median, medians.median), 2)) / greatest(count(*) - 1, 1)
        ) as residual
    from past_days
    inner join medians
        on medians.billing_period = past_days.billing_period
        and medians.team = past_days.team
        and medians.currency = past_days.currency
    left join weekday_medians
        on weekday_medians.billing_period = past_days.billing_period
        and weekday_medians.team = past_days.team
        and weekday_medians.currency = past_days.currency
        and weekday_medians.weekday = past_days.weekday
    group by past_days.billing_period, past_days.team, past_days.currency
),

actual as (
    select
        in_period.billing_period,
        in_period.team,
        in_period.currency,
        coalesce(sum(daily.cost), 0) as to_date,
        coalesce(sum(daily.cost) filter (where daily.day < in_period.complete_until), 0) as complete
    from in_period
    left join daily
        on daily.team = in_period.team
        and daily.currency = in_period.currency
        and daily.day >= in_period.period_start
        and daily.day < in_period.period_end
    group by in_period.billing_period, in_period.team, in_period.currency
),

-- A day that has begun costs at least what it has cost so far.
to_come as (
    select
        in_period.billing_period,
        in_period.team,
        in_period.currency,
        sum(greatest(coalesce(weekday_medians.median, medians.median), daily.cost)) as expected
    from in_period
    cross join lateral generate_series(
        in_period.complete_until, in_period.period_end - 1, interval '1 day'
    ) as future (day)
    inner join medians
        on medians.billing_period = in_period.billing_period
        and medians.team = in_period.team
        and medians.currency = in_period.currency
    left join weekday_medians
        on weekday_medians.billing_period = in_period.billing_period
        and weekday_medians.team = in_period.team
        and weekday_medians.currency = in_period.currency
        and weekday_medians.weekday = extract(isodow from future.day)
    left join daily
        on daily.team = in_period.team
        and daily.currency = in_period.currency
        and daily.day = future.day::date
    group by in_period.billing_period, in_period.team, in_period.currency
),

monthly_budgets as (
    select
        periods.billing_period,
        budgets.team,
        budgets.currency,
        coalesce(budgets.monthly_budget, budgets.daily_budget * (periods.period_end - periods.period_start)) as budget
    from periods
    cross join budgets
),

all_budgets as (
    select billing_period, team, currency, budget from monthly_budgets
    union all
    select billing_period, 'all teams', currency, sum(budget) from monthly_budgets group by billing_period, currency
),

newest as (
    select billing_period, max(delivery) as delivery, max(loaded_at) as loaded_at from costs group by billing_period
),

forecasts as (
    select
        in_period.*,
        actual.to_date,
        coalesce(medians.days_of_data, 0) as days_of_data,
        in_period.period_end - in_period.complete_until as days_left,
        spread.residual,
        case
            when in_period.complete_until >= in_period.period_end then actual.to_date
            when medians.days_of_data >= 3 then actual.complete + to_come.expected
        end as forecast
    from in_period
    inner join actual
        on actual.billing_period = in_period.billing_period
        and actual.team = in_period.team
        and actual.currency = in_period.currency
    left join medians
        on medians.billing_period = in_period.billing_period
        and medians.team = in_period.team
        and medians.currency = in_period.currency
    left join spread
        on spread.billing_period = in_period.billing_period
        and spread.team = in_period.team
        and spread.currency = in_period.currency
    left join to_come
        on to_come.billing_period = in_period.billing_period
        and to_come.team = in_period.team
        and to_come.currency = in_period.currency
)

select
    forecasts.billing_period,
    forecasts.team,
    forecasts.currency,
    all_budgets.budget,
    forecasts.to_date as cost_to_date,
    forecasts.days_of_data,
    forecasts.days_left,
    trim_scale(forecasts.forecast) as forecast,
    case
        when forecasts.forecast is not null then trim_scale(greatest(
            round(forecasts.forecast - 1.28 * coalesce(forecasts.residual, 0) * sqrt(forecasts.days_left::numeric), 2),
            round(least(forecasts.to_date, forecasts.forecast), 2)
        ))
    end as forecast_low,
    trim_scale(round(
        forecasts.forecast + 1.28 * coalesce(forecasts.residual, 0) * sqrt(forecasts.days_left::numeric), 2
    )) as forecast_high,
    forecasts.forecast / nullif(all_budgets.budget, 0) as budget_share,
    newest.delivery,
    newest.loaded_at
from forecasts
inner join newest on newest.billing_period = forecasts.billing_period
left join all_budgets
    on all_budgets.billing_period = forecasts.billing_period
    and all_budgets.team = forecasts.team
    and all_budgets.currency = forecasts.currency
