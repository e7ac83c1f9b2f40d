"""Alerts that stay as they are, and reach other people all the same: because of people.yaml, routing or destinations.

Asked per severity, as far as no column of a row decides. A budget that changed is such a difference, too: the same
messages may be too many now.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_change import Change, Changed
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.recipient import recipient_of
from alerting_pipeline.domain.routing import Facts, route
from alerting_pipeline.domain.version_history import differences


def rerouted(before: DefinitionSet, after: DefinitionSet) -> Iterator[Changed]:
    """The alerts that are the same in both, and reach somebody else."""
    around = [(each.people, each.routing, each.destinations) for each in (before, after)]
    if around[0] == around[1]:
        return
    old = before.alerts
    for name, definition in after.alerts.items():
        if name not in old or old[name].version_id != definition.version_id:
            continue
        if found := differences(_reach(old[name], before), _reach(definition, after)):
            yield Changed(name, Change.REROUTED, old[name], definition, tuple(found))


def _reach(definition: AlertDefinition, of: DefinitionSet) -> dict[str, object]:
    found: dict[str, object] = {}
    for level in dict.fromkeys(each.level for each in definition.severity):
        facts = Facts(
            alert=definition.alert,
            kind=Kind(definition.kind),
            severity=level,
            owner=definition.owner,
            labels=definition.labels,
        )
        rows = [entry.destination for entry in definition.write_back]
        routed = route(facts, of.routing, of.book, notify=definition.notify, write_back=rows)
        found[f"destinations ({level})"] = ", ".join(sorted(place.name for place in routed.destinations))
        for place in routed.destinations:
            reader = recipient_of(place, of.people)
            if reader is not None and reader.budget is not None:
                found[f"budget of {reader.name}"] = f"{reader.budget.messages} per {reader.budget.per}"
    return found
