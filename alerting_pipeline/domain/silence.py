"""A silence: for a while nobody is told of incidents that match. They open and are listed all the same.

It always ends by itself, and says who wanted it and why, so that no alert stops unnoticed. What is silenced is held
back, not dropped: what is still open when it ends is told then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing import Facts, mismatch
from alerting_pipeline.domain.routing_tree import Match

_KEYS = ("alert", "kind", "severity", "owner")


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told from `starts_at` until `ends_at` of what matches. `silence_id` is None until it is stored."""

    match: Match
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    silence_id: int | None = None

    def covers(self, facts: Facts) -> bool:
        """Does it concern such an incident? Failures of data and system only where it names their kind."""
        if facts.kind is not Kind.BUSINESS and facts.kind.value not in self.match.kind:
            return False
        return mismatch(self.match, facts) is None

    @property
    def described(self) -> str:
        """For whoever asks why nobody was told."""
        return f"silence {self.silence_id} of {self.author} until {self.ends_at:%Y-%m-%d %H:%M} UTC: {self.comment}"


def first_covering(silences: Iterable[Silence], facts: Facts) -> Silence | None:
    """Of the silences that concern such an incident the one that ends last, so that it is looked at once."""
    covering = [silence for silence in silences if silence.covers(facts)]
    return max(covering, key=lambda silence: silence.ends_at, default=None)


def matcher_of(texts: Iterable[str]) -> Match:
    """What a person wrote as `name=value`: alert, kind, severity, owner, or a label or column of the entity.

    The same name again, or values with commas between them, mean any of these. Raises BadCall.
    """
    simple: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        values = [each.strip() for each in value.split(",") if each.strip()]
        if not sign or not name.strip() or not values:
            raise BadCall(f'"{text}" is not a matcher; write name=value, such as alert=late_delivery or region=north')
        (simple if name.strip() in _KEYS else named).setdefault(name.strip(), []).extend(values)
    if not simple and not named:
        raise BadCall("a silence of everything is none; say what it is about, such as alert=late_delivery")
    try:
        return Match.model_validate({**simple, "named": named})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCall(f"{first['loc'][0]}: {first['msg']}; see `alerting silences add --help`") from None


def check_silence(silence: Silence, people: People) -> None:
    """Raises BadCall where it can't be, and AlertingError where the author may not.

    Failures of data and system are silenced only by those who are told of them: a wrong threshold costs money, an
    unseen outage costs trust in everything else.
    """
    if not silence.comment.strip():
        raise BadCall("a silence says why; write --comment")
    if silence.ends_at <= silence.starts_at:
        raise BadCall(f"a silence ends after it starts, and {silence.ends_at:%Y-%m-%d %H:%M} UTC does not")
    if {"data", "system"} & set(silence.match.kind):
        check_engineer(silence.author, people, "silence failures of data or system")


def check_engineer(person: str, people: People, what: str) -> None:
    """Raises AlertingError for somebody who is in no team that is told of failures of data and system."""
    teams = [name for name, team in people.teams.items() if team.audience == "engineering"]
    members = {member for team in teams for member in people.teams[team].everybody}
    if person not in members:
        who = (
            f"members of {' or '.join(teams)} may"
            if teams
            else "nobody may: no team in people.yaml has audience: engineering"
        )
        raise AlertingError(f"{person} may not {what}; {who}.")


def as_json_of(match: Match) -> dict[str, Any]:
    """The matchers alone, for the ledger and the audit log."""
    return match.model_dump(mode="json", by_alias=True, exclude_defaults=True)
