"""The lifecycle as a state machine: whatever happens in whatever order, only legal transitions come of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.event import (
    Acknowledge,
    Act,
    Cleared,
    Gone,
    Memory,
    Notify,
    PutRow,
    Reason,
    Record,
    Remember,
    Resolve,
    Terms,
    TimePassed,
    Unjudged,
    Violated,
)
from alerting_pipeline.domain.incident import Disposition, Incident, Resolution, Transition, fingerprint
from alerting_pipeline.domain.lifecycle import step

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
TERMS = Terms(
    "large",
    "v1",
    "risk",
    respond_within={"critical": timedelta(hours=1), "medium": timedelta(days=1)},
    deviance_changes_by=Decimal("0.5"),
)
EXPIRING = replace(TERMS, expire_after=timedelta(days=7))
ENTITY: dict[str, str | None] = {"id": "t1"}


def seen(deviance: str | None = "1.5", severity: str = "medium", memory: Memory | None = None) -> Violated:
    return Violated(
        TERMS,
        fingerprint("large", ENTITY),
        ENTITY,
        severity,
        "t1 is large",
        deviance=None if deviance is None else Decimal(deviance),
        memory=memory,
    )


def opened() -> Incident:
    incident = step(None, seen(), NOW).incident
    assert incident is not None
    return replace(incident, incident_id=1)


def test_a_first_violation_opens_with_its_due_time_and_tells() -> None:
    result = step(None, seen(), NOW)
    assert result.reason is Reason.FIRST_VIOLATION
    assert result.incident is not None
    assert result.incident.due_at == NOW + timedelta(days=1)
    assert Notify(Transition.OPENED) in result.intents


def test_a_known_fingerprint_opens_nothing() -> None:
    assert step(None, seen(memory=Memory.EXPIRED), NOW) == (None, (), Reason.KNOWN)


def test_small_changes_add_up_against_what_people_were_told() -> None:
    incident = opened()
    for deviance in ("1.7", "1.9"):
        result = step(incident, seen(deviance), NOW)
        assert (result.incident, result.intents, result.reason) == (incident, (), Reason.NOT_MATERIAL)
    result = step(incident, seen("2.0"), NOW)
    assert result.reason is Reason.DEVIANCE_CHANGED
    assert result.incident is not None
    assert result.incident.deviance == Decimal(2)


def test_a_worse_severity_shortens_the_time_allowed_and_a_milder_one_does_not_lengthen_it() -> None:
    worse = step(opened(), seen("12", "critical"), NOW).incident
    assert worse is not None
    assert worse.due_at == NOW + timedelta(hours=1)
    milder = step(worse, seen("1.5"), NOW).incident
    assert milder is not None
    assert milder.due_at == NOW + timedelta(hours=1)


def test_being_held_is_kept_in_the_history_and_told_to_nobody() -> None:
    held = step(opened(), Unjudged(Reason.DATA_FAILURE), NOW)
    assert [type(intent) for intent in held.intents] == [Record]
    assert step(held.incident, Unjudged(Reason.DATA_FAILURE), NOW).intents == ()
    released = step(held.incident, seen(), NOW)
    assert released.incident is not None
    assert released.incident.held_since is None
    assert [type(intent) for intent in released.intents] == [Record]


def test_expiry_and_a_persons_verdict_are_remembered_and_clearing_is_not() -> None:
    expired = step(opened(), TimePassed(EXPIRING), NOW + timedelta(days=7))
    assert Remember(Memory.EXPIRED) in expired.intents
    resolved = step(opened(), Resolve("ada", Disposition.FALSE_POSITIVE), NOW)
    assert Remember(Memory.BY_PERSON) in resolved.intents
    cleared = step(opened(), Cleared(), NOW)
    assert not [intent for intent in cleared.intents if isinstance(intent, Remember)]


def test_what_has_ended_cannot_be_acted_on() -> None:
    ended = step(opened(), Gone(), NOW).incident
    for event in (Acknowledge("ada"), Resolve("ada", Disposition.EXPECTED), Act("ada", "deny")):
        with pytest.raises(AlertingError, match="ended as withdrawn"):
            step(ended, event, NOW)


def test_an_action_resolves_with_its_verdict_and_hands_its_row_over() -> None:
    row = PutRow("operations.reviews", {"id": "t1"}, {"decision": "denied"})
    done = step(opened(), Act("ada", "deny", Disposition.TRUE_POSITIVE, "stolen", row), NOW)
    assert done.incident is not None
    assert (done.incident.resolution, done.incident.disposition) == (Resolution.BY_PERSON, Disposition.TRUE_POSITIVE)
    assert row in done.intents and Remember(Memory.BY_PERSON) in done.intents
    without = step(opened(), Act("ada", "forget"), NOW)
    assert not [intent for intent in without.intents if isinstance(intent, PutRow)]
