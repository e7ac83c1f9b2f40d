"""`alerting plan`: what changed definitions would do, for whoever writes them and whoever reviews them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from alerting_pipeline.domain.definition_change import Plan, Planned

_DAYS = 90


@click.command()
@click.option("--base", metavar="REV", help="Compare with the files of this commit; default: with what is in force.")
@click.option("--days", type=click.IntRange(1, 3_660), default=_DAYS, show_default=True, help="Replay so many days.")
@click.option("--no-replay", "is_quick", is_flag=True, help="Only what differs; no database is read with --base.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown for a pull request instead.")
@json_option
def plan(base: str | None, days: int, is_quick: bool, as_markdown: bool, as_json: bool) -> None:
    """What the definition files would do: added, changed, removed and rerouted ones, and for each alert the
    incidents a week before and after, and the entities gained and lost, replayed over the last days.

    Exit code 1 says that a file has errors, or that a policy is broken: a changed definition without a case or a
    runbook, an alert that puts a reader over the budget, or opens more than its expected_per_week.
    """
    from alerting_pipeline.app.planning import plan_from
    from alerting_pipeline.rendering.plan_page import errors_page, plan_page

    with App.from_environment() as app, progress(as_json or as_markdown) as shown:
        note_standing_clock(app.settings)
        errors = app.loaded_definitions.errors
        for problem in errors:
            click.echo(str(problem), err=True)
        if errors and as_markdown:
            click.echo(errors_page(errors), nl=False)
        if errors:
            raise AlertingError("definition files have errors; correct them at the places above, then plan")
        found = plan_from(app, base, days, shown, is_replayed=not is_quick)
    if as_json:
        print_json(_as_json(found))
    elif as_markdown:
        click.echo(plan_page(found), nl=False)
    else:
        _print(found)
    sys.exit(1 if found.broken else 0)


def _print(found: Plan) -> None:
    if not found.planned:
        click.echo(f"No definition differs from {found.base}.")
    else:
        click.echo(f"against {found.base}: {len(found.planned)} changed, {found.unchanged} unchanged")
        is_replayed = any(item.report or item.unknown for item in found.planned)
        title = f"\nreplayed over the last {found.days} days" if is_replayed else "\nnothing was replayed"
        columns = ("definition", "change", "incidents a week", "messages a week", "gained", "lost", "")
        print_table(columns, [_line(item) for item in found.planned], title=title)
    for item in found.planned:
        rows = [(each.key, _cell(each.before), _cell(each.after)) for each in item.changed.differences]
        if rows:
            print_table(("key", "before", "after"), rows, title=f"\n{item.changed.name}")
    for note in found.notes:
        click.echo(f"note: {note}")
    for each in found.broken:
        click.echo(f"policy {each.rule}: {each}")
    if found.planned:
        click.echo("Nothing was written or sent.")


def _line(item: Planned) -> tuple[Any, ...]:
    from alerting_pipeline.domain.definition_change import messages_per_week
    from alerting_pipeline.rendering.plan_page import gained_and_lost, sides

    name, change = item.changed.name, item.changed.change.value
    if item.report is None:
        return name, change, None, None, None, None, item.unknown
    weeks = item.report.weeks
    before, after = sides(item)
    incidents = [side.incidents_per_week if side else 0.0 for side in (before, after)]
    messages = [messages_per_week(side, weeks) if side else 0.0 for side in (before, after)]
    return name, change, _pair(incidents), _pair(messages), *gained_and_lost(item), item.unknown


def _pair(values: list[float]) -> str:
    return f"{values[0]:.1f} → {values[1]:.1f}"


def _cell(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _as_json(found: Plan) -> dict[str, Any]:
    return {
        "base": found.base,
        "days": found.days,
        "unchanged": found.unchanged,
        "definitions": [_planned_json(item) for item in found.planned],
        "broken": [{"name": each.name, "rule": each.rule, "what": each.what, "remedy": each.remedy}
                   for each in found.broken],
        "notes": found.notes,
    }  # fmt: skip


def _planned_json(item: Planned) -> dict[str, Any]:
    from alerting_pipeline.rendering.plan_page import gained_and_lost, sides

    before, after = sides(item)
    gained, lost = gained_and_lost(item)
    known = item.report is not None
    return {
        "name": item.changed.name,
        "kind": item.changed.kind,
        "change": item.changed.change,
        "differences": [{"key": each.key, "before": each.before, "after": each.after}
                        for each in item.changed.differences],
        "incidents_per_week": [side.incidents_per_week if side else 0.0 for side in (before, after)] if known else None,
        "gained": gained if known else None,
        "lost": lost if known else None,
        "unknown": item.unknown or None,
        "report": item.report,
    }  # fmt: skip
