"""What changed definitions would do, before they do it: each is replayed over the last weeks as it was and as it is.

One definition whose past can't be read never hides another: it is listed with the reason instead of the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from alerting_pipeline.domain.backtest import Report
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.definition_change import Changed, Plan, Planned, broken, changes
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.ports import Progress


class Replays(Protocol):
    """Both definitions over the same weeks; None: there was none, or there is none any more."""

    def __call__(self, before: AlertDefinition | None, after: AlertDefinition | None, progress: Progress) -> Report: ...


def plan(
    base: Mapping[str, Definition],
    files: Mapping[str, Definition],
    replays: Replays | None,
    progress: Progress,
    *,
    named: str,
    days: int,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan from `base` (called `named`) to the files. `replays` None: nothing is replayed."""
    found = changes(base, files)
    planned = []
    for number, changed in enumerate(found):
        progress.report("plan", changed.name, number, len(found))
        planned.append(_planned(changed, replays, progress))
    progress.report("plan", "all changes", len(found), len(found))
    kept = len(files) - sum(changed.after is not None for changed in found)
    return Plan(named, tuple(planned), kept, days, tuple(notes))


def _planned(changed: Changed, replays: Replays | None, progress: Progress) -> Planned:
    before, after = changed.alerts
    report, unknown = None, ""
    if replays is not None and (before or after):
        try:
            report = replays(before, after, progress)
        except AlertingError as error:
            unknown = str(error)
        else:
            unknown = next((f"not evaluated at {failure}" for failure in report.shown.failures), "")
    return Planned(changed, report, unknown, tuple(broken(changed, report)))
