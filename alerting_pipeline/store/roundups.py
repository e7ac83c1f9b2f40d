"""Many incidents for one message, counted and ranked by the database: a message of ten lines must not cost a hundred
thousand rows in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.incident import Transition
from alerting_pipeline.domain.severity import LEVELS
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.rendering.announcement import presentation_of
from alerting_pipeline.rendering.message import RESOLVING
from alerting_pipeline.rendering.roundup import MOST_LINES, Part
from alerting_pipeline.store.incidents import INCIDENT_COLUMNS, incident_of

_QUIET = [*sorted(RESOLVING), Transition.ACKNOWLEDGED.value]
_ROUNDUP = """
with chosen as (
    select h.incident_id, min(h.event_id) as event_id,
        bool_or(h.settled_at is null and h.transition <> all(:quiet)) as is_fresh
    from ledger.held_notifications as h
    where {condition} and h.fate is distinct from 'ended'
    group by h.incident_id
),
ranked as (
    select {columns}, c.event_id, row_number() over worst_first as place, count(*) over of_alert as total,
        count(*) filter (where i.status = 'resolved') over of_alert as ended,
        count(*) filter (where c.is_fresh) over of_alert as fresh, min(c.event_id) over of_alert as first_event
    from chosen as c join ledger.incidents as i using (incident_id)
    window of_alert as (partition by i.alert),
        worst_first as (
            partition by i.alert
            order by i.status = 'resolved', array_position(:levels, i.severity), i.deviance desc nulls last,
                i.opened_at, i.incident_id
        )
)
select * from ranked where place <= :most order by alert, place
"""


@dataclass(frozen=True, slots=True)
class Roundup:
    """The incidents of one message. `fresh` counts those that are news, `first_event` is the oldest of their events."""

    parts: tuple[Part, ...]
    fresh: int
    first_event: int


def round_up(
    connection: Connection,
    condition: str,
    given: Mapping[str, Any],
    definitions: Mapping[str, OfIncidents | SystemDefinition],
) -> Roundup:
    """What the rows `h` of held notifications tell for which a condition of our own holds."""
    columns = ", ".join(f"i.{column}" for column in INCIDENT_COLUMNS)
    statement = text(_ROUNDUP.format(condition=condition, columns=columns))
    rows = connection.execute(statement, {**given, "quiet": _QUIET, "levels": list(LEVELS), "most": MOST_LINES})
    by_alert: dict[str, list[Mapping[Any, Any]]] = {}
    for row in rows.mappings():
        by_alert.setdefault(row["alert"], []).append(row)
    parts = []
    for alert, members in by_alert.items():
        worst = [incident_of(row) for row in members]
        presentation = presentation_of(worst[0], definitions.get(alert))
        parts.append(Part(presentation, members[0]["total"], members[0]["ended"], worst))
    firsts = [members[0] for members in by_alert.values()]
    return Roundup(
        tuple(parts),
        fresh=sum(row["fresh"] for row in firsts),
        first_event=min((row["first_event"] for row in firsts), default=0),
    )
