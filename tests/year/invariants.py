"""What must hold in every hour of the year: each a question in SQL whose answer is the list of what broke it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.rota import on_call
from tests.year.company import PER_DAY, PER_WEEK, Company
from tests.year.simulation import Simulation

Rows = Callable[..., list[dict[str, Any]]]

# A message tells what happened at that instant, to one incident or to as many as its title says. However it was told,
# no destination was told more often than it happened, and of one incident no more than once. A group's message and a
# digest tell all there is; what is new in them was held back before, and is settled by one message.
TOLD_TWICE = """
with messages as (
    select o.incident_id, o.group_id, o.alert, o.transition, o.destination, t.at,
        case when o.incident_id is null
            then replace(substring(o.message ->> 'title' from ': ([0-9,]+) incidents?$'), ',', '')::integer
            else 1
        end as incidents
    from ledger.outbox as o join simulation.told as t using (delivery_id)
),
happened as (
    select i.alert, e.event, e.at, count(*) as times
    from ledger.incident_events as e join ledger.incidents as i using (incident_id) group by 1, 2, 3
)
select incident_id, alert, transition, destination, at, count(*) as times
from messages where incident_id is not null
group by 1, 2, 3, 4, 5 having count(*) > 1
union all
select m.incident_id, m.alert, m.transition, m.destination, m.at, 1
from messages as m
where m.incident_id is not null and not exists (
    select from ledger.incident_events as e
    where e.incident_id = m.incident_id and e.event = m.transition and e.at = m.at
)
union all
select null, m.alert, m.transition, m.destination, m.at, sum(m.incidents)
from messages as m
left join happened as h on (h.alert, h.event, h.at) = (m.alert, m.transition, m.at)
where m.transition <> 'digest' and m.group_id is null
group by m.alert, m.transition, m.destination, m.at, h.times having sum(m.incidents) > coalesce(h.times, 0)
union all
select null, 'digest', transition, destination, at, count(*)
from messages where transition = 'digest'
group by 3, 4, 5 having count(*) > 1
union all
-- What was held back and then told in a digest was not told alone as well.
select h.incident_id, '', h.transition, h.destination, t.at, 2
from ledger.held_notifications as h
join ledger.incident_events as e on e.event_id = h.event_id
join ledger.outbox as o on (o.incident_id, o.transition, o.destination) = (h.incident_id, h.transition, h.destination)
join simulation.told as t on t.delivery_id = o.delivery_id and t.at = e.at
where h.fate = 'told' and h.delivery_id <> o.delivery_id
"""

# What was opened or reopened was told to somebody, or waits to be; unless a person had snoozed it beforehand.
TOLD_NOBODY = """
select e.incident_id, e.event, e.at from ledger.incident_events as e
join ledger.incidents as i using (incident_id)
where e.event in ('opened', 'reopened', 'escalated', 'sla_breached')
    and not exists (select from ledger.outbox as o join simulation.told as t using (delivery_id)
        where o.incident_id = e.incident_id and o.transition = e.event and t.at = e.at)
    and not exists (select from ledger.held_notifications as h where h.event_id = e.event_id)
    and not exists (select from ledger.outbox as o join simulation.told as t using (delivery_id)
        where o.incident_id is null and (o.alert, o.transition, t.at) = (i.alert, e.event, e.at))
"""

# An instant after the time allowed at which it could be judged and nobody had responded, a quarter of an hour ago at
# least: it is breached. Held and released are the ends of the times at which nothing may be pressed on anybody.
PAST_SLA = """
with lives as (
    select i.incident_id, e.event_id, e.at as since,
        coalesce(lead(e.at) over life, 'infinity') as next_life
    from ledger.incidents as i join ledger.incident_events as e using (incident_id)
    where e.event in ('opened', 'reopened')
    window life as (partition by i.incident_id order by e.event_id)
),
due as (
    select i.incident_id, i.due_at, i.sla_breached_at,
        coalesce(i.resolved_at, %(now)s) as until, coalesce(max(h.at), i.opened_at) as judged_since,
        (array_agg(h.event order by h.event_id desc))[1] = 'held' as is_held_to_the_end
    from ledger.incidents as i
    left join ledger.incident_events as h on h.incident_id = i.incident_id and h.event in ('held', 'released')
    where i.due_at is not null and i.responded_at is null and i.kind = 'business'
    group by i.incident_id
)
select incident_id, 'no breach' as what, due_at as at from due
where sla_breached_at is null and is_held_to_the_end is not true
    and greatest(due_at, judged_since) < until - interval '15 minutes'
union all
-- A breach is told late only because it was held meanwhile.
select incident_id, 'late breach', sla_breached_at from due
where sla_breached_at > due_at + interval '15 minutes' and judged_since < due_at
union all
-- Whoever let it pass was not the last to hear of it.
select b.incident_id, 'no escalation', b.at from ledger.incident_events as b
join lives as l on l.incident_id = b.incident_id and l.event_id < b.event_id and b.at < l.next_life
where b.event = 'sla_breached' and not exists (
    select from ledger.incident_events as e
    where e.incident_id = b.incident_id and e.event = 'escalated' and e.at between l.since and b.at
)
"""

DURING_OUTAGE = """
select o.incident_id, o.alert, o.transition, o.destination, t.at
from ledger.outbox as o
join simulation.told as t using (delivery_id)
join simulation.outages as s on t.at >= s.begins and t.at < s.ends and starts_with(o.alert, s.mart || '_')
where not t.by_person
union all
select h.incident_id, i.alert, 'digest', h.destination, h.settled_at
from ledger.held_notifications as h
join ledger.incidents as i using (incident_id)
join ledger.incident_events as e on e.event_id = h.event_id and e.actor = 'alerting'
join simulation.outages as s
    on h.settled_at >= s.begins and h.settled_at < s.ends and starts_with(i.alert, s.mart || '_')
where h.fate = 'told'
"""

# What is new to a recipient, or comes back, and is not critical: told at once at most so often in any length of time.
# What asks one of them to act, edits a message, or is the digest itself costs nothing.
OVER_BUDGET = """
with counted as (
    select o.destination, t.at, count(*) over (
        partition by o.destination order by t.at
        range between interval '86399 seconds' preceding and current row
    ) as of_a_day, count(*) over (
        partition by o.destination order by t.at
        range between interval '604799 seconds' preceding and current row
    ) as of_a_week
    from ledger.outbox as o join simulation.told as t using (delivery_id)
    where o.transition in ('opened', 'reopened', 'woken') and o.message ->> 'severity' <> 'critical'
)
select destination, at, of_a_day, of_a_week from counted
where (starts_with(destination, '#') and of_a_day > %(per_day)s)
    or (starts_with(destination, '@') and of_a_week > %(per_week)s)
"""


def broken(run: Simulation) -> dict[str, list[dict[str, Any]]]:
    """What broke each of them so far; empty lists where all is well."""
    return {
        "notified twice for one transition": run.rows(TOLD_TWICE),
        "told to nobody": run.rows(TOLD_NOBODY),
        "past its SLA without an escalation": run.named(PAST_SLA, {"now": run.now}),
        "a business message during its upstream's outage": run.rows(DURING_OUTAGE),
        "over budget": run.named(OVER_BUDGET, {"per_day": PER_DAY, "per_week": PER_WEEK}),
        "without an owner": _unowned(run.rows, run.company),
    }


def _unowned(rows: Rows, company: Company) -> list[dict[str, Any]]:
    """Its owner is a team; on the day it was opened somebody was on call for it, who was there and can be reached."""
    found = rows("select incident_id, owner, assignee, opened_at as at from ledger.incidents where kind = 'business'")
    book, answers = AddressBook(company.destinations, company.people), {}
    for row in found:
        key = row["owner"], row["at"]
        if key not in answers:
            answers[key] = row["owner"] in company.people.teams and _is_there(company, book, *key)
    is_known = {None, *company.people.people}
    return [row for row in found if not answers[row["owner"], row["at"]] or row["assignee"] not in is_known]


def _is_there(company: Company, book: AddressBook, team: str, at: datetime) -> bool:
    who = on_call(company.people, team, at).person
    if who is None or not book.on_call(team, at).destinations:
        return False
    on, person = at.astimezone(ZoneInfo(company.people.teams[team].zone)).date(), company.people.people[who]
    return not person.has_left(on) and person.absence(on) is None
