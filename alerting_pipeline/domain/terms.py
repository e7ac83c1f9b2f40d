"""From a definition to the terms of its incidents: what the lifecycle needs to know of it, whatever its kind."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.event import Terms
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.team_terms import with_team


def terms_of(definition: OfIncidents, people: People) -> Terms:
    """What the lifecycle needs of the definition, and of the team that answers for it."""
    of_data = isinstance(definition, DataDefinition)
    bare = Terms(
        alert=definition.alert,
        version=definition.version_id,
        owner=definition.owner,
        kind=Kind(definition.kind),
        labels=definition.labels,
        respond_within={level.level: level.respond_within for level in definition.severity},
        remind_every={level.level: level.remind_every for level in definition.severity},
        # Another check that fails edits the message about data.
        deviance_changes_by=Decimal(1) if of_data else definition.update_when.deviance_changes_by,
        expire_after=None if of_data else definition.expire_after,
        reopen_within=timedelta(0) if of_data else definition.reopen_within,
    )
    return with_team(bare, people)
