"""`alerting route` and `alerting rota`: who hears of what, by which branch, and who is on call when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.moment import moment
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.people import People
    from alerting_pipeline.domain.rota import Shift
    from alerting_pipeline.usecases.route import Way

_STAGES = {"sla_warned": "a warning", "sla_breached": "the time allowed is over", "escalated": "escalated"}


@click.command()
@click.argument("name", metavar="NAME|INCIDENT_ID")
@click.option("--severity", help="Only this severity; default: each that the definition has.")
@click.option("--set", "assignments", multiple=True, metavar="COLUMN=VALUE", help="A column of the row; repeatable.")
@click.option("--kind", type=click.Choice(["business", "data", "system"]), help="As if it were a failure of this kind.")
@click.option("--at", metavar="TIME", help="As if it were then; default: now, of an incident when it was opened.")
@json_option
def route(
    name: str, severity: str | None, assignments: tuple[str, ...], kind: str | None, at: str | None, as_json: bool
) -> None:
    """Which destinations an incident of the alert NAME would reach, or a real one does, by which branch, and why.

    Also who is on call for its owner then, and who would be told, and when, if nobody took it.
    """
    from alerting_pipeline.domain.incident import Kind
    from alerting_pipeline.usecases.route import Trial, try_route

    instant = _instant(at)
    with App.from_environment() as app:
        if name.isdecimal():
            if severity or assignments or kind:
                raise BadCall("an incident has its own severity, kind and columns; leave those options out")
            found = {f"incident {name}": _way_of(app, int(name), instant)}
        else:
            trial = Trial(severity, _assigned(assignments), Kind(kind) if kind else None, instant or _now(app))
            found = dict(try_route(app.loaded_definitions, name, trial))
    if as_json:
        about = {"incident_id": int(name)} if name.isdecimal() else {"alert": name}
        print_json({**about, "routes": [_route_json(level, way) for level, way in found.items()]})
        return
    for level, way in found.items():
        _print_way(level, way)


@click.command()
@click.argument("team", required=False)
@click.option("--at", metavar="TIME", help="From then on; default: now.")
@click.option("--weeks", type=click.IntRange(1, 520), default=4, show_default=True, help="So many weeks ahead.")
@json_option
def rota(team: str | None, at: str | None, weeks: int, as_json: bool) -> None:
    """Who is on call for TEAM when: the shift at the time, and those of the weeks after it. Default: every team."""
    from alerting_pipeline.adapters.definition_files import load
    from alerting_pipeline.usecases.rota import duties

    with App.from_environment() as app:
        people = load(app.settings.definitions, None, project=app.settings.project).people
        found = duties(people, team, _instant(at) or _now(app), weeks)
    if as_json:
        print_json([_shift_json(people, shift) for shift in found])
        return
    if not found:
        click.echo("No team has a rota; give one `rota: {weekly: [ada, ben]}` in people.yaml.")
        return
    print_table(
        ("team", "on call", "name", "from", "until", "time zone", "why"), [_line(people, shift) for shift in found]
    )


def _way_of(app: App, incident_id: int, at: datetime | None) -> Way:
    from alerting_pipeline.domain.errors import AlertingError
    from alerting_pipeline.usecases.route import route_incident

    with app.incident_desk.begin() as desk:
        incident = desk.lock(incident_id)
    if incident is None:
        raise AlertingError(
            f"There is no incident {incident_id}; `alerting incidents list --all` shows those there are."
        )
    held = app.definition_ledger.in_force()
    definition = held.of_incidents.get(incident.alert) or held.built_in.get(incident.alert)
    return route_incident(held, incident, definition, at)


def _now(app: App) -> datetime:
    """What counts as now, without asking a database."""
    return app.settings.as_of or datetime.now(UTC)


def _instant(at: str | None) -> datetime | None:
    return None if at is None else moment(at, "--at")


def _assigned(assignments: Sequence[str]) -> dict[str, str]:
    columns = {}
    for assignment in assignments:
        column, equals, value = assignment.partition("=")
        if not equals or not column:
            raise BadCall(f'--set "{assignment}" is not COLUMN=VALUE; write --set region=north')
        columns[column.strip()] = value
    return columns


def _print_way(level: str, way: Way) -> None:
    routed = way.routed
    click.echo(f"{level}: {', '.join(destination.name for destination in routed.destinations) or 'nowhere'}")
    for reason in routed.reasons:
        click.echo(f"  {reason}")
    click.echo("  branches asked:")
    for branch in routed.considered:
        click.echo(f"    {'taken  ' if branch.matched else 'passed '} {branch.path}: {branch.why}")
    if way.duty is not None:
        click.echo(
            f"  on call for {way.owner}: {way.duty.person or 'nobody'} until {_clock(way.duty.until)} ({way.duty.why})"
        )
    for rung, reached in way.climb:
        names = ", ".join(place.name for place in reached.destinations) or "nobody"
        click.echo(f"  if nobody responds by {_clock(rung.at)}: {_STAGES[rung.transition]}, to {names} ({reached.why})")
    click.echo()


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _route_json(level: str, way: Way) -> dict[str, Any]:
    return {
        "severity": level,
        "destinations": [{"name": item.name, "channel": item.channel} for item in way.routed.destinations],
        "path": way.routed.path,
        "reasons": way.routed.reasons,
        "considered": way.routed.considered,
        "on_call": None if way.duty is None else _duty_json(way.duty),
        "escalation": [
            {
                "at": rung.at,
                "what": rung.transition,
                "to": rung.to,
                "destinations": [each.name for each in reached.destinations],
                "why": reached.why,
            }
            for rung, reached in way.climb
        ],
    }


def _duty_json(shift: Shift) -> dict[str, Any]:
    return {"person": shift.person, "since": shift.since, "until": shift.until, "why": shift.why}


def _shift_json(people: People, shift: Shift) -> dict[str, Any]:
    name = people.people[shift.person].name if shift.person else None
    return {"team": shift.team, "name": name, **_duty_json(shift), "time_zone": people.teams[shift.team].zone}


def _line(people: People, shift: Shift) -> tuple[Any, ...]:
    zone = ZoneInfo(people.teams[shift.team].zone)
    begin, end = (f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}" for at in (shift.since, shift.until))
    name = people.people[shift.person].name if shift.person else ""
    return shift.team, shift.person or "nobody", name, begin, end, zone.key, shift.why
