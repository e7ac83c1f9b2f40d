"""What a changed value would have done, before it is asked for: a few lines for people, and JSON that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import print_table, progress
from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from alerting_pipeline.domain.backtest import Difference, Report, Side
    from alerting_pipeline.domain.change_request import Change

_SHOWN = 3


def impact_of(app: App, change: Change, days: int, *, quiet: bool) -> Mapping[str, Any]:
    """The impact of a change over the last days; where its past can't be read, only why."""
    from alerting_pipeline.app.backtesting import impact_of_change

    with progress(quiet) as shown:
        try:
            report = impact_of_change(app, change, shown, days)
        except AlertingError as error:
            return {"days": days, "unknown": str(error)}
    return _facts(report, days)


def print_impact(impact: Mapping[str, Any]) -> None:
    """The same for people."""
    if "unknown" in impact:
        click.echo(f"What it would have done is not known: {impact['unknown']}")
        return
    before, after = impact["before"], impact["after"]
    rows = [
        ("incidents a week", *_numbers(before["incidents_per_week"], after["incidents_per_week"])),
        ("messages a week", *_numbers(before["messages_per_week"], after["messages_per_week"])),
    ]
    for recipient in sorted({*before["recipients"], *after["recipients"]}):
        told = (side["recipients"].get(recipient, 0.0) for side in (before, after))
        rows.append((f"  to {recipient}", *_numbers(*told)))
    print_table(("", "now", "then"), rows, title=f"The last {impact['days']} days, replayed with the new value")
    click.echo(f"entities: {impact['gained']:,} gained, {impact['lost']:,} lost, {impact['common']:,} the same")
    for which in ("gained", "lost"):
        for example in impact[f"examples_{which}"]:
            click.echo(f"  {which}: {example['summary']} ({example['severity']})")
    for recipient in impact["over_budget"]:
        click.echo(f"  {recipient} would be over the budget; the rest would go into a digest")


def _numbers(before: float, after: float) -> tuple[str, str]:
    return f"{before:.1f}", f"{after:.1f}"


def _facts(report: Report, days: int) -> Mapping[str, Any]:
    after = report.shown
    weeks = days / 7
    change = report.change
    return {
        "days": days,
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
