"""`alerting silences`: for a while nobody is told of incidents that match; list, add, end, under a person's name."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall

_SHOWN = 10
_as_option = click.option("--as", "person", metavar="NAME", help="Who acts; default: your operating-system user.")


@click.group("silences", invoke_without_command=True)
@json_option
@click.pass_context
def silences(context: click.Context, as_json: bool) -> None:
    """What nobody is told of for a while: list, add, end. Incidents open and are listed all the same."""
    if context.invoked_subcommand is None:
        context.invoke(list_silences, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting silences {context.invoked_subcommand} --json")


@silences.command("list")
@click.option("--all", "is_all", is_flag=True, help="Those that are over, too.")
@json_option
def list_silences(is_all: bool = False, as_json: bool = False) -> None:
    """Silences that hold or are to come, and how many incidents each keeps from people."""
    with App.from_environment() as app:
        rows = app.silences.listed(app.clock.now(), is_all=is_all)
    if as_json:
        print_json(rows)
        return
    columns = ("silence_id", "status", "matchers", "starts_at", "ends_at", "author", "comment", "incidents_held_back")
    print_table(columns, [[_readable(row[column]) for column in columns] for row in rows])
    click.echo(f"{len(rows)} shown" if rows else "No silences.")


@silences.command("add")
@click.argument("matchers", nargs=-1, required=True)
@click.option("--for", "length", metavar="DURATION", help="How long, such as 2h or 3d.")
@click.option("--until", metavar="INSTANT", help="When it ends, such as 2026-01-20T08:00:00Z.")
@click.option("--from", "start", metavar="INSTANT", help="When it starts; default: now.")
@click.option("--comment", required=True, help="Why; kept with it, and shown to whoever asks why nobody was told.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what it would silence now, and add nothing.")
@_as_option
@json_option
def add(
    matchers: tuple[str, ...],
    length: str | None,
    until: str | None,
    start: str | None,
    comment: str,
    is_dry_run: bool,
    person: str | None,
    as_json: bool,
) -> None:
    """Tell nobody of incidents that match, until it ends: `alerting silences add alert=late_delivery region=north`.

    A matcher is name=value: alert, kind, severity, owner, a label, or a column of the entity; commas mean any of the
    values, and every matcher must hold. Failures of data or system are meant only where kind names them.
    """
    from alerting_pipeline.domain.silence import Silence, as_json_of, check_silence, matcher_of
    from alerting_pipeline.usecases.act import acting_person

    with App.from_environment() as app:
        people, now = app.definition_ledger.in_force().people, app.clock.now()
        starts_at = _instant(start, "--from") or now
        silence = Silence(
            match=matcher_of(matchers),
            starts_at=starts_at,
            ends_at=_end(starts_at, length, until),
            author=acting_person(people, person, getpass.getuser()),
            comment=comment.strip(),
        )
        check_silence(silence, people)
        if silence.ends_at <= now:
            raise BadCall(f"the silence would be over already: it ends {silence.ends_at:%Y-%m-%d %H:%M} UTC")
        covered = app.silences.covered(silence)
        stored = silence if is_dry_run else app.silences.add(silence)
    facts = {
        "silence_id": stored.silence_id,
        "matchers": as_json_of(silence.match),
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "author": silence.author,
        "comment": silence.comment,
        "dry_run": is_dry_run,
        "open_incidents": [item.incident_id for item in covered],
    }
    if as_json:
        print_json(facts)
        return
    rows = [(item.incident_id, item.alert, item.severity, item.summary) for item in covered[:_SHOWN]]
    if rows:
        print_table(("incident", "alert", "severity", "summary"), rows, title="Open now, and silent while it holds")
    more = f", {len(covered) - _SHOWN:,} of them not shown" if len(covered) > _SHOWN else ""
    name = "A dry run: nothing was added. The silence" if is_dry_run else f"Silence {stored.silence_id}"
    click.echo(f"{name} of {silence.match.described()} covers {len(covered):,} open incidents{more}.")
    click.echo(f"It ends {silence.ends_at:%Y-%m-%d %H:%M} UTC; what is still open and untold then is told.")


@silences.command("end")
@click.argument("silence_id", type=int)
@_as_option
@json_option
def end(silence_id: int, person: str | None, as_json: bool) -> None:
    """End a silence now; what it kept from people and is still open is told."""
    from alerting_pipeline.app.passing_time import tell_held_back
    from alerting_pipeline.usecases.act import acting_person

    with App.from_environment() as app:
        actor = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        ended = app.silences.end(silence_id, actor, app.clock.now())
        if ended is None:
            raise AlertingError(
                f"There is no silence {silence_id} that holds or is to come; `alerting silences list` shows those."
            )
        tell_held_back(app, app.clock.now())
    if as_json:
        print_json({"silence_id": silence_id, "ends_at": ended.ends_at, "ended_by": actor})
    else:
        click.echo(f"Silence {silence_id} was ended by {actor}.")


def _end(starts_at: datetime, length: str | None, until: str | None) -> datetime:
    from alerting_pipeline.domain.written import duration

    if (length is None) == (until is None):
        raise BadCall("say when the silence ends: either --for 2h, or --until 2026-01-20T08:00:00Z")
    if length is None:
        return _instant(until, "--until") or starts_at
    try:
        lasts: timedelta = duration(length)
    except ValueError as error:
        raise BadCall(f"--for: {error}") from None
    return starts_at + lasts


def _instant(text: str | None, option: str) -> datetime | None:
    from alerting_pipeline.domain.written import instant

    try:
        return None if text is None else instant(text)
    except ValueError as error:
        raise BadCall(f"{option}: {error}") from None


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        flat = {**{name: each for name, each in value.items() if name != "named"}, **value.get("named", {})}
        return ", ".join(f"{name}={','.join(each) if isinstance(each, list) else each}" for name, each in flat.items())
    return value
