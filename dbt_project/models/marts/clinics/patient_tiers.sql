{{ config(materialized='table', indexes=[{'columns': ['patient_id'], 'unique': true}]) }}

-- Why a patient moved, in the order in which it would be told to one: another clinic, another priority group (and what
-- changed about the patient), another number of doses (where that alone would have moved them), or who comes before them.
with

ranks as (
    select * from {{ ref('int_patient_ranks') }}
),

compared as (
    select
        now.patient_id,
        now.clinic,
        now.taken_on,
        now.tier,
        now.priority_group,
        now.clinic_rank,
        now.doses,
        before.clinic as clinic_before,
        before.tier as tier_before,
        before.priority_group as priority_group_before,
        before.clinic_rank as clinic_rank_before,
        before.doses as doses_before,
        case
            when now.occupation is distinct from before.occupation
                then 'occupation ' || replace(coalesce(now.occupation, 'not known'), '_', ' ')
            when now.conditions is distinct from before.conditions
                then coalesce(now.conditions::text, 'unknown') || ' conditions on file, ' || coalesce(before.conditions::text, 'unknown') || ' before'
            when now.age is distinct from before.age then 'turned ' || coalesce(now.age::text, 'an unknown age')
            else 'criteria'
        end as what_changed,
        case
            when before.clinic_rank <= now.doses then 1
            when before.clinic_rank <= 2 * now.doses then 2
            else 3
        end as tier_by_doses_alone,
        now.load_id,
        now.loaded_at
    from ranks as now
    left join ranks as before on before.patient_id = now.patient_id and not before.is_newest
    where now.is_newest
)

select
    patient_id,
    clinic,
    clinic_before,
    taken_on,
    tier,
    tier_before,
    case
        when tier_before is null or tier is null or tier = tier_before then null
        when tier < tier_before then 'up'
        else 'down'
    end as moved,
    case
        when tier_before is null or tier is null or tier = tier_before then null
        when clinic <> clinic_before then 'moved from ' || clinic_before || ' to ' || clinic
        when priority_group <> priority_group_before
            then 'priority group ' || priority_group || ' instead of ' || priority_group_before || ' (' || what_changed || ')'
        when doses <> doses_before and tier = tier_by_doses_alone
            then clinic || ' has ' || doses || ' doses this week, ' || doses_before || ' before'
        else 'place ' || clinic_rank || ' instead of ' || clinic_rank_before
            || case when clinic_rank > clinic_rank_before then ', as others come first now' else ', as others come later now' end
    end as reason,
    priority_group,
    clinic_rank,
    clinic_rank_before,
    doses,
    doses_before,
    loaded_at,
    load_id
from compared
