{{ config(materialized='table') }}

-- What a commitment to the floor of the usage would have saved over the last complete days. The floor is the number of
-- machines that ran in nearly every hour (all hours but the lowest, up to a percentile), hours without any use counted as
-- none. A commitment is paid for in every hour, used or not: spiky use has no floor, and nothing to save.
-- Three values are declared in dbt_project.yml: the window in days, the percentile, the discount that a commitment gives.
{%- set window_days = var('commitment_window_days') %}
{%- set percentile = var('commitment_floor_percentile') %}
{%- set discount = var('commitment_discount') %}
with

usage as (
    select
        coalesce(account_id, '') as account_id,
        coalesce(usage_type, '') as usage_type,
        coalesce(region, '') as region,
        instance_type,
        coalesce(currency, '') as currency,
        hour,
        hours,
        cost,
        usage_until,
        loaded_at
    from {{ ref('int_on_demand_hours') }}
),

-- Days are complete up to the midnight (UTC) that the report last reached.
bounds as (
    select date_trunc('day', max(usage_until), 'UTC') as until from usage
),

-- The window begins when the machines were first used, if that is later.
fleets as (
    select
        usage.account_id,
        usage.usage_type,
        usage.region,
        usage.instance_type,
        usage.currency,
        bounds.until,
        greatest(min(usage.hour), bounds.until - interval '{{ window_days }} days') as since,
        max(usage.loaded_at) as loaded_at
    from usage
    cross join bounds
    group by usage.account_id, usage.usage_type, usage.region, usage.instance_type, usage.currency, bounds.until
    having min(usage.hour) < bounds.until
),

measured as (
    select *, extract(epoch from until - since) / 3600 as window_hours from fleets
),

placed as (
    select
        account_id,
        usage_type,
        region,
        instance_type,
        currency,
        usage.hours,
        usage.cost,
        measured.window_hours,
        row_number() over (fleet order by usage.hours, usage.hour) as place,
        count(*) over fleet as used_hours
    from measured
    inner join usage using (account_id, usage_type, region, instance_type, currency)
    where usage.hour >= measured.since and usage.hour < measured.until
    window fleet as (partition by account_id, usage_type, region, instance_type, currency)
),

-- Hours without use are the lowest, so they take the first of the places that are passed over.
floored as (
    select
        *,
        coalesce(
            max(hours) filter (where place <= ceil(window_hours * {{ percentile }}) - (window_hours - used_hours)) over fleet,
            0
        ) as floor_machines
    from placed
    window fleet as (partition by account_id, usage_type, region, instance_type, currency)
),

covered as (
    select
        account_id,
        usage_type,
        region,
        instance_type,
        currency,
        sum(hours) as hours,
        sum(cost) as cost,
        sum(cost) / nullif(sum(hours), 0) as rate,
        max(floor_machines) as floor_machines,
        sum(least(hours, floor_machines)) as covered_hours
    from floored
    group by account_id, usage_type, region, instance_type, currency
)

select
    account_id,
    usage_type,
    region,
    instance_type,
    split_part(instance_type, '.', 1) as instance_family,
    currency,
    (measured.since at time zone 'UTC')::date as since,
    (measured.until at time zone 'UTC')::date as until,
    round(measured.window_hours / 24, 2) as days,
    coalesce(covered.hours, 0) as on_demand_hours,
    trim_scale(round(coalesce(covered.cost, 0) * 24 / measured.window_hours, 10)) as cost_per_day,
    coalesce(covered.floor_machines, 0) as floor_machines,
    trim_scale(round(coalesce(covered.floor_machines * covered.rate, 0) * 24 * (1 - {{ discount }}), 10)) as commitment_per_day,
    trim_scale(round(
        coalesce(covered.rate, 0) * 24 / measured.window_hours * (
            coalesce(covered.covered_hours, 0)
            - measured.window_hours * coalesce(covered.floor_machines, 0) * (1 - {{ discount }})
        ),
        10
    )) as saving_per_day,
    measured.loaded_at
from measured
left join covered using (account_id, usage_type, region, instance_type, currency)
