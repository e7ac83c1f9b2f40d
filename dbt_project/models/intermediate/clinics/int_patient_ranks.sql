{{ config(materialized='view') }}

-- The declared criteria, in the order in which they count: priority group, then age, then the number of the patient, so
-- that no two share a rank. Doses decide how far down the order each tier reaches: tier 1 is this week's doses, tier 2
-- as many again next week, tier 3 is later. Only the newest two exports are ranked: one to tell, one to compare with.
with

patients as (
    select distinct on (taken_on, patient_id)
        taken_on,
        patient_id,
        clinic,
        age,
        conditions,
        occupation,
        load_id,
        loaded_at
    from {{ ref('stg_patients') }}
    where
        taken_on >= (
            select coalesce(max(before.taken_on), (select max(only_one.taken_on) from {{ ref('stg_patients') }} as only_one))
            from {{ ref('stg_patients') }} as before
            where before.taken_on < (select max(newest.taken_on) from {{ ref('stg_patients') }} as newest)
        )
    order by taken_on, patient_id, load_id desc
),

allotments as (
    select distinct on (clinic, week_from)
        clinic,
        week_from,
        doses,
        loaded_at
    from {{ ref('stg_dose_allotments') }}
    order by clinic, week_from, load_id desc
),

grouped as (
    select
        *,
        case
            when age >= 80 or occupation = 'health_care' then 1
            when age >= 65 or conditions >= 2 then 2
            when conditions = 1 or occupation = 'essential' then 3
            else 4
        end as priority_group
    from patients
),

ranked as (
    select
        *,
        row_number() over (
            partition by taken_on, clinic
            order by priority_group, age desc nulls last, patient_id
        ) as clinic_rank
    from grouped
)

select
    ranked.patient_id,
    ranked.taken_on,
    ranked.taken_on = max(ranked.taken_on) over () as is_newest,
    ranked.clinic,
    ranked.age,
    ranked.conditions,
    ranked.occupation,
    ranked.priority_group,
    ranked.clinic_rank,
    allotments.doses,
    case
        when allotments.doses is null then null
        when ranked.clinic_rank <= allotments.doses then 1
        when ranked.clinic_rank <= 2 * allotments.doses then 2
        else 3
    end as tier,
    ranked.load_id,
    greatest(ranked.loaded_at, allotments.loaded_at) as loaded_at
from ranked
left join allotments
    on allotments.clinic = ranked.clinic and allotments.week_from = date_trunc('week', ranked.taken_on)::date
