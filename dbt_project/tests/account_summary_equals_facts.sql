-- The accounts' summaries of the week add up to the company facts of its seven days.
with

summed as (
    select
        min(week) as week,
        sum(visits) as visits
    from {{ ref('account_summary') }}
)

select
    summed.week,
    summed.visits as visits_in_summary,
    sum(facts.visits) as visits_in_facts
from summed
inner join {{ ref('company_facts') }} as facts on facts.day between summed.week and summed.week + 6
group by summed.week, summed.visits
having summed.visits <> sum(facts.visits)
