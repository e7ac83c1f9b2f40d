{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period']}, {'columns': ['team', 'day'], 'unique': true}, {'columns': ['loaded_at']}],
) }}

with

costs as (
    select * from {{ ref('int_account_daily_cost') }}
),

teams as (
    select account_id, app, team, load_id, loaded_at from {{ ref('stg_cost_teams') }}
),

budgets as (
    select team, daily_budget, currency, load_id, loaded_at from {{ ref('stg_team_budgets') }}
),

-- Who answers for what, and with which budget, as one value: a row remembers the allocation it was made with, and a
-- period is made again when the report restates it or when the allocation has changed.
allocation as (
    select
        md5(concat(
            (select string_agg(concat_ws('|', account_id, app, team), ',' order by account_id, app, team) from teams),
            ';',
            (select string_agg(concat_ws('|', team, daily_budget, currency), ',' order by team) from budgets)
        )) as fingerprint,
        greatest((select max(loaded_at) from teams), (select max(loaded_at) from budgets)) as loaded_at
),

{% if is_incremental() %}

to_rebuild as (
    {{ periods_to_rebuild() }}
),

{% endif %}

allocated as (
    select
        costs.billing_period,
        coalesce(by_app.team, by_account.team, 'unallocated') as team,
        costs.day,
        costs.currency,
        costs.cost,
        costs.line_items,
        costs.delivery,
        costs.load_id,
        costs.loaded_at
    from costs
    left join teams as by_app on by_app.account_id = costs.account_id and by_app.app = costs.app
    left join teams as by_account on by_account.account_id = costs.account_id and by_account.app is null
    {% if is_incremental() %}
    where costs.billing_period in (select billing_period from to_rebuild)
    {% endif %}
),

by_team_and_day as (
    select
        billing_period,
        team,
        day,
        currency,
        sum(cost) as cost,
        sum(line_items)::bigint as line_items,
        max(delivery) as delivery,
        max(load_id) as load_id,
        max(loaded_at) as loaded_at
    from allocated
    group by billing_period, team, day, currency
)

select
    by_team_and_day.team,
    by_team_and_day.day,
    by_team_and_day.cost,
    budgets.daily_budget as budget,
    by_team_and_day.currency,
    by_team_and_day.line_items,
    by_team_and_day.billing_period,
    by_team_and_day.delivery,
    greatest(by_team_and_day.loaded_at, allocation.loaded_at) as loaded_at,
    by_team_and_day.load_id,
    allocation.fingerprint as allocation
from by_team_and_day
cross join allocation
left join budgets on budgets.team = by_team_and_day.team and budgets.currency = by_team_and_day.currency
