"""What must hold before an action is carried out: it is one of the incident's, the person may, and its row is known.

The rules are ours, not the button's or the command's: whatever way an action arrives, this is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerting_pipeline.domain.action import Action, Write
from alerting_pipeline.domain.destination import TABLE_SCHEMA, Destination, is_table
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.event import PutRow
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.people import People


def action_of(actions: Mapping[str, Action], name: str, incident: Incident) -> Action:
    """The action of that name. Raises BadCall where the incident's definition has none."""
    if name in actions:
        return actions[name]
    if not actions:
        raise BadCall(f"{incident.alert} has no actions; `alerting incidents resolve` ends an incident with a verdict")
    remedy = did_you_mean(name, actions) or f"it has {', '.join(actions)}"
    raise BadCall(f'"{name}" is not an action of {incident.alert}; {remedy}')


def check_person(action: Action, name: str, person: str, people: People) -> None:
    """Raises AlertingError for a person who has none of the action's roles."""
    if not action.roles or set(action.roles) & set(people.people[person].roles):
        return
    allowed = [each for each, known in people.people.items() if set(action.roles) & set(known.roles)]
    raise AlertingError(
        f'{person} may not "{name}": that takes the role {" or ".join(action.roles)}; '
        f"ask {' or '.join(allowed) or 'for the role in people.yaml'}."
    )


def row_of(write: Write, incident: Incident, destinations: Mapping[str, Destination]) -> PutRow:
    """The row that an action writes about this incident. Raises AlertingError where a column of its key isn't known."""
    known = {**incident.fields, **incident.entity}
    missing = [column for column in write.key if known.get(column) is None]
    if missing:
        raise AlertingError(
            f"Incident {incident.incident_id} does not know {', '.join(missing)}, the key of {write.table}; "
            "`alerting incidents resolve` ends it without writing."
        )
    key = {column: str(known[column]) for column in write.key}
    return PutRow(table_of(write.table, destinations), key, dict(write.values))


def table_of(name: str, destinations: Mapping[str, Destination]) -> str:
    """The destination of a written table: the one of that name, or the table of that name in our schema."""
    return name if name in destinations or is_table(name) else f"{TABLE_SCHEMA}.{name}"
