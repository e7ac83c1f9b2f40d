"""The lifecycle as a machine: whatever happens in whatever order, only the transitions of this table come of it.

The table is written down here by itself, so that a change of the code that allows more, or less, has to change it too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import (
    Acknowledge,
    Act,
    Assign,
    Audience,
    Cleared,
    Event,
    Gone,
    Memory,
    Notify,
    PersonsAct,
    Reason,
    Record,
    RemoveDefinition,
    Resolve,
    Snooze,
    StillStanding,
    Terms,
    TimePassed,
    Unjudged,
    Violated,
    Wake,
)
from alerting_pipeline.domain.hours import Hours
from alerting_pipeline.domain.incident import Incident, Kind, Resolution, Status, Transition, fingerprint
from alerting_pipeline.domain.lifecycle import Step, step
from alerting_pipeline.domain.working_hours import WorkingHours

NOW = datetime(2026, 3, 27, 5, tzinfo=UTC)  # a Friday, two days before the clocks change
HOUR = timedelta(hours=1)
UNENDED = ("open", "acknowledged", "snoozed")
SAME = tuple((state, state) for state in UNENDED)
ENDED = tuple((state, "resolved") for state in UNENDED)
BEGUN = (("none", "open"), ("none", "snoozed"), ("resolved", "open"), ("resolved", "snoozed"))

# What may happen, from which state to which, and by which events.
LEGAL: dict[str, tuple[tuple[tuple[str, str], ...], tuple[type, ...]]] = {
    "opened": (BEGUN, (Violated,)),
    "reopened": (BEGUN[2:], (Violated,)),
    "updated": (SAME, (Violated,)),
    "refreshed": (SAME, (Violated,)),
    "held": (SAME, (Unjudged,)),
    "released": ((*SAME, ("snoozed", "open"), ("snoozed", "acknowledged")), (Violated, StillStanding, Cleared, Gone)),
    "calmed": (SAME, (Cleared, Gone)),
    "relapsed": ((*SAME, ("snoozed", "open"), ("snoozed", "acknowledged")), (Violated, StillStanding)),
    "snoozed": ((*((state, "snoozed") for state in UNENDED), *BEGUN[1::2]), (Snooze, Violated)),
    "woken": ((("snoozed", "open"), ("snoozed", "acknowledged")), (Violated, TimePassed, Wake)),
    "assigned": (
        (
            ("open", "open"), ("open", "acknowledged"), ("acknowledged", "open"), ("acknowledged", "acknowledged"),
            ("snoozed", "snoozed"), ("snoozed", "acknowledged"),
        ),
        (Assign,),
    ),
    "acknowledged": ((("open", "acknowledged"), ("snoozed", "acknowledged")), (Acknowledge,)),
    "reminded": ((("open", "open"),), (TimePassed,)),
    "sla_warned": ((("open", "open"),), (TimePassed,)),
    "sla_breached": ((("open", "open"),), (TimePassed,)),
    "escalated": ((("open", "open"),), (TimePassed,)),
    "cleared": (ENDED, (Cleared,)),
    "withdrawn": (ENDED, (Gone,)),
    "expired": (ENDED, (TimePassed,)),
    "resolved": (ENDED, (Resolve, Act)),
    "definition_removed": (ENDED, (RemoveDefinition,)),
}  # fmt: skip
RESOLUTIONS = {
    "cleared": Resolution.CLEARED,
    "withdrawn": Resolution.WITHDRAWN,
    "expired": Resolution.EXPIRED,
    "resolved": Resolution.BY_PERSON,
    "definition_removed": Resolution.DEFINITION_REMOVED,
}
UNTOLD = {"held", "released", "calmed", "relapsed"}

PLAIN = Terms(
    "large",
    "v1",
    "risk",
    respond_within={"critical": HOUR, "medium": 10 * HOUR},
    deviance_changes_by=Decimal("0.5"),
    remind_every={"critical": HOUR, "medium": 3 * HOUR},
    row_columns=("city",),
)
OFFICE = WorkingHours(Hours.model_validate({"timezone": "Europe/Berlin"}))
TERMS = [
    PLAIN,
    replace(PLAIN, expire_after=timedelta(days=2), reopen_within=12 * HOUR, hours=OFFICE),
    replace(PLAIN, on_call_after=HOUR, lead_after=2 * HOUR, reopen_within=timedelta(days=7)),
    replace(PLAIN, kind=Kind.DATA, respond_within={}, remind_every={}, row_columns=()),
    replace(PLAIN, is_lower_worse=True, hours=OFFICE, on_call_after=24 * HOUR),
]
ENTITY: dict[str, str | None] = {"id": "t1"}


def violated(terms: Terms, deviance: str | None, severity: str, memory: Memory | None, snooze: Snooze | None) -> Event:
    seen = None if deviance is None else Decimal(deviance)
    key, fields = fingerprint("large", ENTITY), {"city": deviance}
    return Violated(terms, key, ENTITY, severity, "t1 is large", seen, fields, memory=memory, snooze=snooze)


def events(terms: Terms) -> st.SearchStrategy[tuple[Any, ...]]:
    """An event; a snooze by how many hours it lasts, for it begins when it is given."""
    waits = st.sampled_from([timedelta(0), 2 * HOUR])
    fixed = st.one_of(
        st.builds(
            violated,
            st.just(terms),
            st.one_of(st.none(), st.decimals("0", "20", places=1).map(str)),
            st.sampled_from(["medium", "medium", "critical"]),
            st.sampled_from([None, None, None, Memory.EXPIRED]),
            st.sampled_from([None, None, Snooze("ada", NOW + timedelta(days=2), reason="moving")]),
        ),
        st.sampled_from([StillStanding(), RemoveDefinition(), TimePassed(terms), TimePassed(terms), TimePassed(terms)]),
        st.builds(Cleared, st.sampled_from([Reason.CONDITION_FALSE, Reason.CLEAR_WHEN_TRUE]), waits),
        st.builds(Gone, waits),
        st.sampled_from([Unjudged(Reason.DATA_FAILURE), Unjudged(Reason.CONDITION_NULL)]),
        st.sampled_from(
            [Acknowledge("ada"), Acknowledge("ben"), Resolve("ada"), Act("ada", "deny"), Wake("ben", "over")]
        ),
        st.builds(Assign, st.just("ada"), st.sampled_from(["ada", "ben"]), terms=st.just(terms)),
    )
    snoozes = st.tuples(st.just("snooze"), st.integers(0, 60), st.sampled_from([None, Decimal(1), Decimal("1.5")]))
    return st.one_of(fixed.map(lambda event: ("event", event)), snoozes)


SEQUENCES = st.sampled_from(TERMS).flatmap(
    lambda terms: st.lists(st.tuples(events(terms), st.integers(0, 30)), max_size=30).map(lambda items: (terms, items))
)


def state(incident: Incident | None) -> str:
    return "none" if incident is None else incident.status.value


def expected_next(incident: Incident) -> datetime | None:
    if incident.is_resolved or (incident.held_since is not None and incident.kind is Kind.BUSINESS):
        return None
    if incident.status is Status.SNOOZED:
        return incident.snoozed_until
    due = incident.due_at if incident.responded_at is None and incident.sla_breached_at is None else None
    instants = [incident.warn_at, due, incident.remind_at, incident.escalates_at]
    return min([instant for instant in instants if instant is not None], default=None)


@dataclass
class Machine:
    """One fingerprint on a virtual clock; `told` counts what people heard since it was opened or reopened."""

    terms: Terms
    now: datetime = NOW
    incident: Incident | None = None
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    happened: set[str] = field(default_factory=set)

    def apply(self, event: Event) -> None:
        try:
            result = step(self.incident, event, self.now)
        except AlertingError:
            assert isinstance(event, PersonsAct), "only a person can be refused"
            return
        self._is_legal(event, result)
        self._tells_what_it_may(event, result)
        after = result.incident
        if after is not None and after.incident_id is None:
            after = replace(after, incident_id=1)
        self.incident = after
        if after is not None:
            self._is_sound(after)

    def let_time_pass(self) -> None:
        """Everything that is due happens, and comes to an end."""
        for _ in range(12):
            if self.incident is None or self.incident.next_at is None or self.incident.next_at > self.now:
                break
            self.apply(TimePassed(self.terms))
        else:
            pytest.fail("what is due never comes to an end")
        incident = self.incident
        if incident is None or incident.next_at is None or incident.status is not Status.OPEN:
            return
        if incident.due_at is not None and incident.due_at <= self.now and incident.responded_at is None:
            assert incident.sla_breached_at is not None and incident.escalation_level > 0

    def _is_legal(self, event: Event, result: Step) -> None:
        before, after = state(self.incident), state(result.incident)
        records = [intent for intent in result.intents if isinstance(intent, Record)]
        for record in records:
            moves, causes = LEGAL[record.transition.value]
            self.happened.add(record.transition.value)
            assert (before, after) in moves, (record.transition, before, after)
            assert isinstance(event, causes), (record.transition, event)
        assert records or result.incident is self.incident, "no change without a trace"
        if isinstance(event, Unjudged):
            assert before == after, "an error decides nothing"
        if before == "resolved" and after != "resolved":
            assert isinstance(event, Violated) and event.memory is None
        if after == "resolved" != before and result.incident is not None:
            [ending] = [record.transition.value for record in records if record.transition.value in RESOLUTIONS]
            assert result.incident.resolution is RESOLUTIONS[ending]
            assert result.incident.resolved_at == self.now

    def _tells_what_it_may(self, event: Event, result: Step) -> None:
        news = [intent for intent in result.intents if isinstance(intent, Notify)]
        assert len(set(news)) == len(news), "nobody is told twice of one transition"
        recorded = {intent.transition for intent in result.intents if isinstance(intent, Record)}
        assert {item.transition for item in news} <= recorded, "what is told stands in the history"
        heard = [item for item in news if item.to is not Audience.RECORD]
        assert not UNTOLD & {item.transition.value for item in news}
        was_silent = self.incident is not None and self.incident.status is Status.SNOOZED
        if was_silent and not isinstance(event, PersonsAct):
            assert {item.transition.value for item in heard} <= {"woken"}, "a snoozed incident stays silent"
        if self.incident is not None and self.incident.held_since and self.incident.kind is Kind.BUSINESS:
            pressing = {"reminded", "sla_warned", "sla_breached", "escalated", "woken"}
            if isinstance(event, TimePassed):
                assert not pressing & {item.transition.value for item in heard}, "nobody is pressed during an outage"
        if {"opened", "reopened"} & {transition.value for transition in recorded}:
            self.told.clear()
        self.told.update((item.transition.value, item.to.value) for item in heard)
        once = [("opened", "route"), ("reopened", "route"), ("sla_breached", "owner")]
        once += [("escalated", "on_call"), ("escalated", "lead")]
        assert all(self.told[each] <= 1 for each in once), self.told

    def _is_sound(self, incident: Incident) -> None:
        assert incident.next_at == expected_next(incident)
        is_over = incident.status is Status.RESOLVED
        assert is_over == (incident.resolution is not None) == (incident.resolved_at is not None)
        assert (incident.status is Status.SNOOZED) == (incident.snoozed_until is not None)
        if incident.status is Status.ACKNOWLEDGED:
            assert incident.acknowledged_at is not None and incident.remind_at is None
        if incident.responded_at is not None:
            assert incident.warn_at is None and incident.escalates_at is None
        if is_over:
            instants = (incident.warn_at, incident.remind_at, incident.escalates_at, incident.calm_since)
            assert not any(instants) and incident.held_since is None
        if incident.remind_at is not None and self.terms.hours is not None:
            assert self.terms.hours.next_open(incident.remind_at) == incident.remind_at


Sequence = tuple[Terms, list[tuple[tuple[Any, ...], int]]]


def live_through(sequence: Sequence) -> Machine:
    terms, items = sequence
    machine = Machine(terms)
    for (kind, *what), hours in items:
        machine.now += hours * HOUR
        if kind == "snooze":
            lasting, factor = what
            machine.apply(Snooze("ada", machine.now + lasting * HOUR, factor))
        else:
            machine.apply(what[0])
        machine.let_time_pass()
    return machine


@settings(max_examples=300, deadline=None)
@given(SEQUENCES)
def test_any_sequence_makes_only_legal_transitions(sequence: Sequence) -> None:
    live_through(sequence)


@pytest.mark.scenario
@pytest.mark.timeout(900)
def test_ten_thousand_sequences_make_only_legal_transitions_and_reach_each_of_them() -> None:
    reached: set[str] = set()

    @settings(max_examples=10_000, deadline=None)
    @given(SEQUENCES)
    def live(sequence: Sequence) -> None:
        reached.update(live_through(sequence).happened)

    live()
    assert reached == LEGAL.keys()


def test_the_table_names_every_transition() -> None:
    assert LEGAL.keys() == {transition.value for transition in Transition}
