"""Inhibition by written rules: while an incident that matches `source` is open, those that match `target` wait.

An incident never inhibits itself, and one that is on both sides of a rule isn't inhibited by others that are, too:
otherwise two of a kind would silence each other. What upstream failures hold back is another matter, and needs no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerting_pipeline.domain.routing import Facts, mismatch
from alerting_pipeline.domain.routing_tree import Inhibition

_ENOUGH = 2  # of a kind: one, and another in case that the first is the incident in question


@dataclass(frozen=True, slots=True)
class Source:
    """An open incident that a rule may name as its source."""

    incident_id: int
    facts: Facts
    summary: str


class Inhibitors:
    """The open sources of all rules, found by what source and target must share, however many there are."""

    def __init__(self, rules: Sequence[Inhibition], sources: Iterable[Source]) -> None:
        self._rules = rules
        self._found: dict[tuple[int, bool, tuple[str, ...]], list[Source]] = {}
        for source in sources:
            for number, rule in enumerate(rules):
                shared = _shared(rule, source.facts)
                if shared is None or mismatch(rule.source, source.facts) is not None:
                    continue
                is_on_both_sides = mismatch(rule.target, source.facts) is None
                known = self._found.setdefault((number, is_on_both_sides, shared), [])
                if len(known) < _ENOUGH:
                    known.append(source)

    def of(self, incident_id: int | None, facts: Facts) -> Source | None:
        """The open incident because of which nobody is told of this one now."""
        for number, rule in enumerate(self._rules):
            shared = _shared(rule, facts)
            if shared is None or mismatch(rule.target, facts) is not None:
                continue
            is_on_both_sides = mismatch(rule.source, facts) is None
            for kind in (False,) if is_on_both_sides else (False, True):
                for source in self._found.get((number, kind, shared), ()):
                    if source.incident_id != incident_id:
                        return source
        return None


def _shared(rule: Inhibition, facts: Facts) -> tuple[str, ...] | None:
    """The values that both sides must share; None where one of them isn't known."""
    values = [facts.labels.get(name, facts.entity.get(name)) for name in rule.equal]
    return None if None in values else tuple(str(value) for value in values)
