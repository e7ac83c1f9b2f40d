{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='billing_period',
    on_schema_change='append_new_columns',
    indexes=[{'columns': ['billing_period']}, {'columns': ['team', 'day']}],
) }}

-- Usage is its team's own cost: by tag, else by account. All the rest is shared: usage that nobody answers for (untagged),
-- and what is charged without being used. Each of these categories has a declared key; none declared is proportional.
with

costs as (
    select * from {{ ref('int_account_daily_cost') }}
),

teams as (
    select account_id, app, team, loaded_at from {{ ref('stg_cost_teams') }}
),

keys as (
    select cost_category, allocation_key, team, share, loaded_at from {{ ref('stg_shared_cost_keys') }}
),

allocation as (
    select
        md5(concat(
            (select string_agg(concat_ws('|', account_id, app, team), ',' order by account_id, app, team) from teams),
            ';',
            (select string_agg(concat_ws('|', cost_category, allocation_key, team, share), ',' order by cost_category, team) from keys)
        )) as fingerprint,
        greatest((select max(loaded_at) from teams), (select max(loaded_at) from keys)) as loaded_at
),

{% if is_incremental() %}

to_rebuild as (
    {{ periods_to_rebuild() }}
),

{% endif %}

owned as (
    select
        costs.billing_period,
        costs.day,
        costs.currency,
        costs.cost,
        case when costs.cost_category = 'usage' then coalesce(by_app.team, by_account.team) end as team,
        case
            when costs.cost_category <> 'usage' then costs.cost_category
            when coalesce(by_app.team, by_account.team) is null then 'untagged'
            else 'direct'
        end as cost_category,
        case when by_app.team is not null then 'tag' else 'account' end as allocation_key
    from costs
    left join teams as by_app on by_app.account_id = costs.account_id and by_app.app = costs.app
    left join teams as by_account on by_account.account_id = costs.account_id and by_account.app is null
    {% if is_incremental() %}
    where costs.billing_period in (select billing_period from to_rebuild)
    {% endif %}
),

direct as (
    select
        billing_period,
        day,
        team,
        currency,
        cost_category,
        allocation_key,
        sum(cost) as cost
    from owned
    where cost_category = 'direct'
    group by billing_period, day, team, currency, cost_category, allocation_key
),

-- In whole units of the last digit that the amounts have, so that the shares can be made to add up exactly.
to_share as (
    select
        *,
        abs(cost) * ('1e' || digits)::numeric as units
    from (
        select
            billing_period,
            day,
            currency,
            cost_category,
            sum(cost) as cost,
            greatest(scale(sum(cost)), 10) as digits
        from owned
        where cost_category <> 'direct'
        group by billing_period, day, currency, cost_category
    ) as summed
),

-- Where nobody is known who could take a share, it stays with nobody.
takers as (
    select distinct team from teams
    union
    select 'unallocated' where not exists (select 1 from teams)
),

direct_of_period as (
    select billing_period, currency, team, greatest(sum(cost), 0) as cost
    from direct
    group by billing_period, currency, team
),

declared as (
    select distinct on (cost_category) cost_category, allocation_key
    from keys
    order by cost_category, allocation_key
),

-- The weight of each team: its direct cost of the period, its fixed share, or 1.
weights as (
    select
        shared.billing_period,
        shared.currency,
        shared.cost_category,
        coalesce(declared.allocation_key, 'proportional') as allocation_key,
        team.team,
        case coalesce(declared.allocation_key, 'proportional')
            when 'proportional' then coalesce(direct_of_period.cost, 0)
            when 'fixed' then coalesce(fixed.share, 0)
            else 1
        end as weight
    from (select distinct billing_period, currency, cost_category from to_share) as shared
    left join declared on declared.cost_category = shared.cost_category
    cross join (select team from takers union select team from keys where team is not null) as team
    left join keys as fixed on fixed.cost_category = shared.cost_category and fixed.team = team.team
    left join direct_of_period
        on direct_of_period.billing_period = shared.billing_period
        and direct_of_period.currency = shared.currency
        and direct_of_period.team = team.team
    where declared.allocation_key = 'fixed' or team.team in (select team from takers)
),

-- Nothing to go by (no direct cost, no shares): equal parts.
keyed as (
    select
        billing_period,
        currency,
        cost_category,
        team,
        case when sum(weight) over category = 0 then 'equal' else allocation_key end as allocation_key,
        case when sum(weight) over category = 0 then 1 else weight end as weight
    from weights
    window category as (partition by billing_period, currency, cost_category)
),

-- Largest remainder: each takes the whole units of its part, and the units that are left go to the largest fractions.
floored as (
    select
        to_share.billing_period,
        to_share.day,
        to_share.currency,
        to_share.cost_category,
        to_share.cost,
        to_share.digits,
        to_share.units,
        keyed.team,
        keyed.allocation_key,
        div(to_share.units * keyed.weight, sum(keyed.weight) over share) as whole,
        mod(to_share.units * keyed.weight, sum(keyed.weight) over share) as remainder
    from to_share
    inner join keyed
        on keyed.billing_period = to_share.billing_period
        and keyed.currency = to_share.currency
        and keyed.cost_category = to_share.cost_category
        and keyed.weight > 0
    window share as (partition by to_share.billing_period, to_share.day, to_share.currency, to_share.cost_category)
),

shared as (
    select
        billing_period,
        day,
        team,
        currency,
        cost_category,
        allocation_key,
        trim_scale(sign(cost) * ('1e-' || digits)::numeric * (
            whole
            + case
                when row_number() over (share order by remainder desc, team) <= units - sum(whole) over share then 1
                else 0
            end
        )) as cost
    from floored
    window share as (partition by billing_period, day, currency, cost_category)
),

allocated as (
    select * from direct
    union all
    select * from shared
),

periods as (
    select billing_period, max(delivery) as delivery, max(load_id) as load_id, max(loaded_at) as loaded_at
    from costs
    group by billing_period
)

select
    allocated.billing_period,
    allocated.day,
    allocated.team,
    allocated.currency,
    allocated.cost_category,
    allocated.allocation_key,
    allocated.cost,
    periods.delivery,
    greatest(periods.loaded_at, allocation.loaded_at) as loaded_at,
    periods.load_id,
    allocation.fingerprint as allocation
from allocated
inner join periods on periods.billing_period = allocated.billing_period
cross join allocation
