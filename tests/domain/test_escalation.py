"""What `alerting route` foretells of an incident that nobody takes is what its clock then does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.escalation import asked, climb
from alerting_pipeline.domain.event import Audience, Notify, Terms, TimePassed, Violated
from alerting_pipeline.domain.incident import Incident, Transition
from alerting_pipeline.domain.lifecycle import step
from alerting_pipeline.domain.people import People

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
LENGTHS = st.none() | st.integers(1, 600).map(lambda minutes: timedelta(minutes=minutes))


def opened(terms: Terms) -> Incident:
    incident = step(None, Violated(terms, UUID(int=1), {"id": "1"}, "high", "x"), NOW).incident
    assert incident is not None
    return incident


@given(LENGTHS, LENGTHS, LENGTHS, LENGTHS)
def test_the_foretold_climb_is_what_the_clock_does(
    allowed: timedelta | None, every: timedelta | None, on_call: timedelta | None, lead: timedelta | None
) -> None:
    terms = Terms(
        "late", "1", "ops", respond_within={"high": allowed}, remind_every={"high": every},
        on_call_after=on_call, lead_after=lead,
    )  # fmt: skip
    incident = opened(terms)
    foretold = [(rung.at, rung.transition, rung.to) for rung in climb(incident, terms)]
    happened: list[tuple[datetime, Transition, Audience]] = []
    while (at := incident.next_at) is not None and at <= NOW + timedelta(hours=40):
        done = step(incident, TimePassed(terms), at)
        assert done.incident is not None
        incident = done.incident
        told = [intent for intent in done.intents if isinstance(intent, Notify)]
        happened += [(at, each.transition, each.to) for each in told if each.transition is not Transition.REMINDED]
    assert foretold == happened
    assert (Transition.ESCALATED in [what for _, what, _ in foretold]) == (allowed is not None)


def test_whoever_took_it_is_asked_as_its_owner() -> None:
    people = People.model_validate(
        {"people": {"ada": {"slack": "U000000ADA"}}, "teams": {"ops": {"slack": "#ops", "lead": "ada"}}}
    )
    incident = opened(Terms("late", "1", "ops"))
    book = AddressBook({}, people)

    def names(to: Audience, assignee: str | None = None, owner: str = "ops") -> list[str]:
        taken = replace(incident, assignee=assignee, owner=owner)
        return [place.name for place in asked(to, taken, book, NOW).destinations]

    assert names(Audience.OWNER) == ["#ops"]
    assert names(Audience.OWNER, assignee="ada") == names(Audience.LEAD) == ["@ada"]
    assert names(Audience.ON_CALL) == ["#ops"]
    assert names(Audience.LEAD, owner="nobody") == []
