"""What a changed value would have done, before it is asked for: a few lines for people, and JSON that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import print_table, progress

if TYPE_CHECKING:
    from alerting_pipeline.domain.change_request import Change


def impact_of(app: App, change: Change, days: int, *, quiet: bool) -> Mapping[str, Any]:
    """The impact of a change over the last days; where its past can't be read, only why."""
    from alerting_pipeline.app.change_impact import impact_facts

    with progress(quiet) as shown:
        return impact_facts(app, change, shown, days)


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
    if impact.get("data_from"):
        since = impact["data_from"][:10]
        click.echo(f"averages are over the {impact['weeks']:.1f} weeks for which there is data, since {since}")
    click.echo(f"entities: {impact['gained']:,} gained, {impact['lost']:,} lost, {impact['common']:,} the same")
    for which in ("gained", "lost"):
        for example in impact[f"examples_{which}"]:
            click.echo(f"  {which}: {example['summary']} ({example['severity']})")
    for recipient in impact["over_budget"]:
        click.echo(f"  {recipient} would be over the budget; the rest would go into a digest")


def _numbers(before: float, after: float) -> tuple[str, str]:
    return f"{before:.1f}", f"{after:.1f}"
