"""What the terms of an incident take from the team that answers for it: its working hours, and its escalation."""

from __future__ import annotations

from dataclasses import replace

from alerting_pipeline.domain.event import Terms
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.working_hours import WorkingHours


def with_team(terms: Terms, people: People) -> Terms:
    """The terms with what people.yaml says of their owner; an unknown owner works around the clock."""
    team = people.teams.get(terms.owner)
    if team is None:
        return terms
    return replace(
        terms,
        hours=WorkingHours.of(team),
        on_call_after=team.escalation.on_call_after,
        lead_after=team.escalation.lead_after,
    )
