"""How many rows one run may write to a sheet, table or file before somebody is asked.

A condition that went wrong, or a model that was rebuilt wrongly, would fill a list that other people work off. Above
the cap nothing of that run is written: it waits for a person, and what comes after it from the same definition waits
behind it.
"""

from __future__ import annotations

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.per_run import per_run

CAPPED = frozenset({"sheet", "table", "csv"})


def cap_of(definition: object, destination: Destination | None) -> int | None:
    """The cap for rows of a definition at a destination: the lower one of what the two say; None where neither does."""
    stated: list[int] = []
    if destination is not None and (own := per_run(destination.settings.get("at_most"))) is not None:
        stated.append(own)
    if isinstance(definition, AlertDefinition) and destination is not None:
        named = [entry.at_most for entry in definition.write_back if entry.destination == destination.name]
        stated += [most for most in named if most is not None]
    return min(stated, default=None)
