"""Which letters leave at once, and which are held back: each for its reason, decided by what is known now.

In this order: whoever has a message already hears of its change; silences and written rules come before everything
that is new; then the digest that was asked for, the group, the bound on messages at once, and the recipient's budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerting_pipeline.domain.event import Audience
from alerting_pipeline.domain.holding import CRITICAL, PROGRAMS, ROWS, Hold, How, Why
from alerting_pipeline.domain.incident import Transition
from alerting_pipeline.domain.inhibition import Inhibitors
from alerting_pipeline.domain.noise_budget import Budgets
from alerting_pipeline.domain.recipient import Recipient
from alerting_pipeline.domain.routing import Facts
from alerting_pipeline.domain.severity import rank
from alerting_pipeline.domain.silence import Silence, first_covering
from alerting_pipeline.domain.telling import Group, Mornings, group_of, next_digest
from alerting_pipeline.rendering.announcement import MOST_MESSAGES, Letter, Place
from alerting_pipeline.rendering.message import RESOLVING

_COST_NOTHING = frozenset({Transition.UPDATED})
_ASKED = (Audience.OWNER, Audience.ON_CALL, Audience.LEAD)


@dataclass(slots=True)
class SortedOut:
    """Letters by what happens to them. What is in neither concerns nobody: nobody there has heard of it yet."""

    at_once: list[Letter] = field(default_factory=list)
    held: list[tuple[Letter, Hold]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Restraint:
    """What keeps letters back at the business instant `now`."""

    now: datetime
    silences: Sequence[Silence] = ()
    inhibitors: Inhibitors | None = None
    budgets: Budgets = field(default_factory=Budgets)

    @property
    def is_silencing(self) -> bool:
        """May there be something that nobody is to hear of now?"""
        return bool(self.silences) or self.inhibitors is not None

    def sort_out(self, letters: Iterable[Letter]) -> SortedOut:
        """Rows always leave at once, programs are called unless silenced; the rest by what holds it back first."""
        found = SortedOut()
        candidates: list[Letter] = []
        for letter in letters:
            channel = letter.place.channel
            if channel in ROWS - PROGRAMS:
                found.at_once.append(letter)
            elif letter.is_ending:
                self._end(letter, found)
            elif (hold := self.muted(letter) or self._collected(letter)) is not None:
                found.held.append((letter, hold))
            elif channel in ROWS:
                found.at_once.append(letter)
            else:
                candidates.append(letter)
        self._spend(self._together(candidates, found), found)
        return found

    def muted(self, letter: Letter) -> Hold | None:
        """Is there a silence or a written rule because of which nobody is told?"""
        if not self.is_silencing:
            return None
        facts = Facts.of(letter.news.incident)
        silence = first_covering(self.silences, facts)
        if silence is not None:
            return Hold(Why.SILENCE, silence.described, silence.ends_at, silence_id=silence.silence_id)
        source = self.inhibitors.of(letter.news.incident.incident_id, facts) if self.inhibitors is not None else None
        if source is None:
            return None
        reason = f"incident {source.incident_id} of {source.facts.alert} is open: {source.summary}"
        return Hold(Why.INHIBITION, reason, source_id=source.incident_id)

    def digest_of(self, recipient: Recipient) -> Hold:
        """The digest of a recipient whose budget is used up."""
        said = f"{recipient.budget.messages} per {recipient.budget.per}" if recipient.budget is not None else "nothing"
        due_at = next_digest("daily", self.now, recipient.mornings)
        return Hold(Why.BUDGET, f"the budget of {recipient.name}, {said}, is used up", due_at, recipient=recipient.name)

    def _end(self, letter: Letter, found: SortedOut) -> None:
        """Whoever read of it in a digest reads of its end in the next one; who has not read of it yet never does."""
        if letter.how is How.ALONE or letter.how is None:
            found.at_once.append(letter)
        elif letter.how is How.GROUP:
            found.held.append((letter, _of_known_group(letter)))
        elif letter.how is How.DIGEST and letter.news.transition.value in RESOLVING:
            due_at = next_digest(letter.telling.digest or "daily", self.now, self._mornings(letter))
            found.held.append((letter, Hold(Why.DIGEST, "its beginning was told in a digest", due_at)))

    def _collected(self, letter: Letter) -> Hold | None:
        """What is critical or asks somebody to act waits for no digest, and a change of a message waits for nothing."""
        if letter.how is How.ALONE or letter.news.to in _ASKED:
            return None
        if letter.how is How.GROUP:
            return _of_known_group(letter)
        if letter.place.channel in PROGRAMS:
            return None
        telling, incident = letter.telling, letter.news.incident
        if telling.digest is not None and incident.severity != CRITICAL:
            due_at = next_digest(telling.digest, self.now, self._mornings(letter))
            return Hold(Why.DIGEST, f"the {telling.digest} digest", due_at)
        group = group_of(telling, _named(Facts.of(incident)), self.now) if telling.group_by is not None else None
        return None if group is None else Hold(Why.GROUP, _described(group), group=group)

    def _together(self, letters: Sequence[Letter], found: SortedOut) -> list[Letter]:
        """What is more than a person reads becomes one message; what concerns messages that people have is left."""
        several: dict[tuple[str, str, str], list[Letter]] = {}
        for letter in letters:
            key = (letter.news.incident.alert, letter.news.transition.value, letter.place.name)
            several.setdefault(key, []).append(letter)
        left: list[Letter] = []
        for (alert, transition, _), group in several.items():
            if len(group) <= MOST_MESSAGES or group[0].how is How.ALONE or group[0].news.to in _ASKED:
                left += group
                continue
            together = Group(f"{self.now:%Y-%m-%d}|{alert}|{transition}|at once", {})
            hold = Hold(Why.GROUP, f"{len(group):,} of {alert} at once are one message", group=together)
            found.held += [(letter, hold) for letter in group]
        return left

    def _spend(self, letters: Sequence[Letter], found: SortedOut) -> None:
        """The worst are told first, as far as the budget goes."""
        told: dict[int, Letter] = {}
        for letter in sorted(letters, key=_worst_first):
            incident = letter.news.incident
            holder = self.budgets.holder(letter.place.name, incident.alert, incident.severity)
            is_change = letter.how is How.ALONE and letter.news.transition in _COST_NOTHING
            if holder is None or is_change or letter.news.to in _ASKED:
                told[id(letter)] = letter
            elif self.budgets.take(holder):
                told[id(letter)] = replace(letter, counted_for=holder.name)
            else:
                found.held.append((letter, self.digest_of(holder)))
        found.at_once += [told[id(letter)] for letter in letters if id(letter) in told]

    def _mornings(self, letter: Letter) -> Mornings:
        recipient = self.budgets.whose(letter.place.name)
        return recipient.mornings if recipient is not None else Mornings()


def _of_known_group(letter: Letter) -> Hold:
    group_id = letter.place.group_id if isinstance(letter.place, Place) else None
    return Hold(Why.GROUP, "its beginning was told in a group", group_id=group_id)


def _worst_first(letter: Letter) -> tuple[int, float]:
    incident = letter.news.incident
    return rank(incident.severity), -float(incident.deviance or 0)


def _named(facts: Facts) -> dict[str, str | None]:
    known = {"alert": facts.alert, "severity": facts.severity, "owner": facts.owner, "kind": facts.kind.value}
    return {**facts.entity, **facts.labels, **known}


def _described(group: Group) -> str:
    said = ", ".join(f"{name} {value or 'unknown'}" for name, value in group.values.items())
    return f"the group of {said}" if said else "the group of everything there"
