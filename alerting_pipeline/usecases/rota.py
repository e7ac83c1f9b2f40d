"""Who is on call in the weeks ahead: the shifts of one team, or of every team that has a rota."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.rota import Shift, shifts


def duties(people: People, team: str | None, since: datetime, weeks: int) -> list[Shift]:
    """The shift at `since` and those that begin in so many weeks after it. Raises BadCall for a team without a rota."""
    with_rota = [name for name, each in people.teams.items() if each.rota is not None]
    if team is not None and team not in people.teams:
        hint = did_you_mean(team, people.teams) or f"there are {', '.join(people.teams) or 'none'}"
        raise BadCall(f'"{team}" is not a team in people.yaml; {hint}')
    if team is not None and team not in with_rota:
        raise BadCall(f"{team} has no rota; give it one in people.yaml, such as rota: {{weekly: [ada, ben]}}")
    until = since + timedelta(weeks=weeks)
    chosen = with_rota if team is None else [team]
    return [shift for name in chosen for shift in shifts(people, name, since, until)]
