"""What changed definitions would do, before they do it: each is replayed over the last weeks as it was and as it is.

One definition whose past can't be read never hides another: it is listed with the reason instead of the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from alerting_pipeline.domain.backtest import Report
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_change import Change, Changed, Plan, Planned, broken, changes
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.ports import Progress
from alerting_pipeline.domain.rerouting import rerouted


class Replays(Protocol):
    """Both definitions over the same weeks; None: there was none, or there is none any more."""

    def __call__(self, before: AlertDefinition | None, after: AlertDefinition | None, progress: Progress) -> Report: ...

    def open_incidents(self, alerts: Sequence[str]) -> Mapping[str, int]:
        """How many incidents of each are open; those without any are left out."""
        ...


def plan(
    base: DefinitionSet,
    files: DefinitionSet,
    replays: Replays | None,
    progress: Progress,
    *,
    named: str,
    days: int,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan from `base` (called `named`) to the files. `replays` None: nothing is replayed."""
    found = [*changes(base.definitions, files.definitions), *rerouted(base, files)]
    planned = []
    for number, changed in enumerate(found):
        progress.report("plan", changed.name, number, len(found))
        planned.append(_planned(changed, replays, progress))
    progress.report("plan", "all changes", len(found), len(found))
    kept = len(files.definitions) - sum(changed.after is not None for changed in found)
    said = [*notes, *_unchecked(planned, replays), *(_ended(found, replays) if replays is not None else ())]
    return Plan(named, tuple(planned), kept, days, tuple(said))


def _unchecked(planned: Sequence[Planned], replays: Replays | None) -> Iterator[str]:
    """Whose volume nobody knows can't be held against a budget, and that is not the same as keeping to it."""
    blind = [
        item.changed.name
        for item in planned
        if item.changed.alerts[1] is not None and (item.report is None or item.unknown)
    ]
    if blind:
        why = "nothing was replayed" if replays is None else "the whole past of these could not be replayed"
        yield f"budgets and expected_per_week were not checked, because {why}: {', '.join(blind)}"


def _ended(found: Sequence[Changed], replays: Replays) -> Iterator[str]:
    """Removing a definition closes what is open of it."""
    gone = [changed.name for changed in found if changed.change is Change.REMOVED]
    for name, number in sorted(replays.open_incidents(gone).items()):
        what = "1 open incident" if number == 1 else f"{number} open incidents"
        yield f"removing {name} ends {what} as definition_removed, with one notice; renamed_from would keep them"


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
