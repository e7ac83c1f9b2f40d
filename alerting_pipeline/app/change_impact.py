"""What a changed value would have done, as it is kept with a request, whatever way that came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Difference, Report, Side
    from alerting_pipeline.domain.change_request import Change
    from alerting_pipeline.domain.ports import Progress

_SHOWN = 3


def impact_facts(app: App, change: Change, progress: Progress, days: int) -> Mapping[str, Any]:
    """The impact of a change over the last days; where its past can't be read, only why."""
    from alerting_pipeline.app.backtesting import impact_of_change

    try:
        report = impact_of_change(app, change, progress, days)
    except AlertingError as error:
        return {"days": days, "unknown": str(error)}
    return _facts(report, days)


def _facts(report: Report, days: int) -> Mapping[str, Any]:
    after = report.shown
    weeks = report.weeks
    change = report.change
    return {
        "days": days,
        "weeks": round(weeks, 2),
        "data_from": None if report.data_from is None else report.data_from.isoformat(),
        "reads": report.reads,
        "before": _side(report.in_force, weeks),
        "after": _side(after, weeks),
        "gained": change.gained if change else 0,
        "lost": change.lost if change else 0,
        "common": change.common if change else after.entities,
        "examples_gained": _examples(change, is_gained=True),
        "examples_lost": _examples(change, is_gained=False),
        "over_budget": [each.recipient for each in after.recipients if each.over_budget],
        "not_evaluated": list(after.failures),
    }


def _side(side: Side, weeks: float) -> Mapping[str, Any]:
    return {
        "incidents": side.incidents,
        "incidents_per_week": round(side.incidents_per_week, 2),
        "messages_per_week": round(side.messages / weeks, 2),
        "recipients": {each.recipient: round(each.messages_per_week, 2) for each in side.recipients if not each.is_row},
    }


def _examples(change: Difference | None, *, is_gained: bool) -> list[Mapping[str, Any]]:
    if change is None:
        return []
    found = change.examples_gained if is_gained else change.examples_lost
    return [
        {"entity": dict(each.entity), "severity": each.severity, "summary": each.summary} for each in found[:_SHOWN]
    ]
