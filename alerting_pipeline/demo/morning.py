"""The sample company's Monday morning, once the messages are out: what its people do, and what the hours bring.

One pass shows that alerts reach people. That they are kept quiet afterwards takes people and time: somebody snoozes,
what is urgent is taken, what nobody takes climbs to whoever is on call and to the lead, and at eight o'clock the digest
comes. All of it goes through the use cases that people and the clock go through, so it is in the ledger like the rest,
and whoever has responded already is not asked again: a second time there is nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from alerting_pipeline.demo.calendar import AS_OF
from alerting_pipeline.domain.event import Snooze
from alerting_pipeline.usecases.act import acknowledge, snooze
from alerting_pipeline.usecases.remind import remind

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.store.incident_desk import IncidentDesk

TAKEN = AS_OF + timedelta(minutes=10)
EIGHT = AS_OF + timedelta(hours=2)
LOOKS = (AS_OF + timedelta(minutes=30), EIGHT)
"""When the clock is looked at: as the data team's on-call is due, and as its lead and the digests are."""
_SNOOZED = ("over_daily_budget", {"team": "search", "day": "2026-01-14"})
_SNOOZE = Snooze("dina", AS_OF + timedelta(days=2), Decimal("1.5"), "the index was built anew that day, as agreed")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that the morning shows, in a sentence, and the command that shows it."""

    name: str
    what: str
    command: str


def spend(app: App) -> None:
    """Let the morning pass. Raises AlertingError for what could not be told."""
    from alerting_pipeline.app.passing_time import tell_held_back

    desk, people = app.incident_desk, app.definition_ledger.in_force().people
    waiting = [row for row in _open(desk, "business") if row["responded_at"] is None]
    for row in waiting:
        if (row["alert"], row["entity"]) == _SNOOZED:
            snooze(desk, row["incident_id"], _SNOOZE, TAKEN)
        elif row["next_at"] is not None and row["next_at"] <= EIGHT:
            acknowledge(desk, row["incident_id"], people.teams[row["owner"]].members[0], TAKEN)
    for at in LOOKS:
        remind(app.due_incidents, at)
    tell_held_back(app, EIGHT)


def scenes(app: App) -> list[Scene]:
    """What there is to see, as the ledger has it; what somebody ended since is not there any more."""
    desk = app.incident_desk
    found = [*_open(desk, "business"), *_open(desk, "data")]
    return [*_snoozes(found), *_escalations(desk, found), *_outages(desk, found), *_digests(desk, found)]


def _open(desk: IncidentDesk, kind: str) -> list[Mapping[str, Any]]:
    from alerting_pipeline.store.incident_desk import Wanted

    return desk.listed(Wanted(kind=kind, limit=_MOST))[::-1]


def _snoozes(found: list[Mapping[str, Any]]) -> Iterator[Scene]:
    for row in found:
        if row["status"] == "snoozed":
            until = f"{row['snoozed_until']:%A, %H:%M} UTC"
            worse = f", or until it is {row['snooze_factor']} times worse" if row["snooze_factor"] else ""
            what = f"{row['snoozed_by']} wants to hear nothing of {row['alert']} until {until}{worse}"
            yield Scene("a snooze", what, _show(row))
            return


def _escalations(desk: IncidentDesk, found: list[Mapping[str, Any]]) -> Iterator[Scene]:
    for row in found:
        if row["escalation_level"] > 0:
            sent = (desk.shown(row["incident_id"]) or {})["deliveries"]
            asked = [each["destination"] for each in sent if each["transition"] == "escalated"]
            what = f"nobody took {row['alert']}: first {row['owner']} was told, then {', then '.join(asked)}"
            yield Scene("an escalation", what, _show(row))
            return


def _outages(desk: IncidentDesk, found: list[Mapping[str, Any]]) -> Iterator[Scene]:
    for row in found:
        if row["kind"] == "data":
            held = sorted({each.alert for each in desk.waited(desk.shown(row["incident_id"]) or {})})
            what = f"{', '.join(held) or 'nothing'} is not judged while {row['alert']} fails"
            query = "select alert, outcome, reason from alerting.evaluations where outcome = 'data_failure'"
            yield Scene("an outage", what, f'alerting sql "{query}"')
            return


def _digests(desk: IncidentDesk, found: list[Mapping[str, Any]]) -> Iterator[Scene]:
    told: dict[str, set[int]] = {}
    for row in found:
        if row["alert"] == "bill_restated":
            for each in (desk.shown(row["incident_id"]) or {})["held_back"]:
                if (each["why"], each["fate"]) == ("digest", "told"):
                    told.setdefault(each["destination"], set()).add(row["incident_id"])
    if told:
        many = len(set().union(*told.values()))
        what = f"{many} incidents of bill_restated came at {EIGHT:%H:%M} UTC as one message, to {' and '.join(told)}"
        query = "select incident_id, destination, held_at, why, fate, settled_at from alerting.held_notifications"
        yield Scene("a digest", what, f'alerting sql "{query}"')


def _show(row: Mapping[str, Any]) -> str:
    return f"alerting incidents show {row['incident_id']}"
