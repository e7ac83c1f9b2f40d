"""`alerting incidents`: list them, show one with its history; acknowledge, assign, snooze, resolve, act, under a
person's name.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall

_COLUMNS = ("id", "alert", "severity", "status", "opened", "due", "owner", "summary")
_as_option: Callable[[Any], Any] = click.option(
    "--as", "person", metavar="NAME", help="Who acts; default: your operating-system user, mapped in people.yaml."
)
_note_option: Callable[[Any], Any] = click.option("--note", default="", help="A sentence kept with it.")


@click.group("incidents", invoke_without_command=True)
@json_option
@click.pass_context
def incidents(context: click.Context, as_json: bool) -> None:
    """What is wrong now, and what was: list, show, acknowledge, assign, snooze, resolve, act."""
    if context.invoked_subcommand is None:
        context.invoke(list_incidents, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting incidents {context.invoked_subcommand} --json")


@incidents.command("list")
@click.option("--all", "is_all", is_flag=True, help="Ended ones, too.")
@click.option("--resolved", "is_resolved", is_flag=True, help="Ended ones only.")
@click.option("--alert", help="Of this alert.")
@click.option("--severity", type=click.Choice(["critical", "high", "medium", "low", "info"]), help="Of this severity.")
@click.option("--owner", help="Of this team.")
@click.option("--kind", type=click.Choice(["business", "data", "system"]), help="Of this kind.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@json_option
def list_incidents(
    is_all: bool = False, is_resolved: bool = False, limit: int = 50, as_json: bool = False, **matching: str | None
) -> None:
    """Incidents, the newest first; open ones unless asked otherwise."""
    from alerting_pipeline.store.incident_desk import Wanted

    wanted = Wanted(is_open=None if is_all else not is_resolved, limit=limit, **matching)
    with App.from_environment() as app:
        rows = app.incident_desk.listed(wanted)
    if as_json:
        print_json(rows)
        return
    print_table(_COLUMNS, [_line(row) for row in rows])
    click.echo(f"{len(rows)} shown" if rows else "No incidents.")


@incidents.command("show")
@click.argument("incident_id", type=int)
@json_option
def show(incident_id: int, as_json: bool) -> None:
    """One incident: what it is about, what happened to it, who was told."""
    with App.from_environment() as app:
        found = app.incident_desk.shown(incident_id)
    if found is None:
        raise AlertingError(
            f"There is no incident {incident_id}; `alerting incidents list --all` shows those there are."
        )
    if as_json:
        print_json(found)
        return
    skipped = ("actions", "events", "deliveries", "held_back", "parameters", "fields", "labels", "made_by")
    facts = [
        (name.replace("_", " "), value) for name, value in found.items() if name not in skipped and value is not None
    ]
    made_by = {name: value for name, value in (found["made_by"] or {}).items() if value is not None}
    facts += [("made by", made_by)] if made_by else []
    facts += [(f"field {name}", value) for name, value in found["fields"].items()]
    print_table(("what", "is"), [(name, _readable(value)) for name, value in facts])
    if found["parameters"]:
        columns = ("parameter", "scope", "scope_value", "value", "changed_by", "approved_by", "request_id")
        rows = [[row[column] for column in columns] for row in found["parameters"]]
        print_table(columns, rows, title="\nParameter values that held")
    if found["actions"]:
        columns = ("action", "who may", "verdict", "writes")
        print_table(columns, [_offer(action) for action in found["actions"]], title="\nWhat can be done")
    print_table(
        ("at", "event", "by", "detail"),
        [(row["at"], row["event"], row["actor"], _readable(row["detail"])) for row in found["events"]],
        title="\nHistory",
    )
    columns = ("created_at", "transition", "channel", "destination", "status", "attempts", "sent_at", "error")
    print_table(columns, [[row[column] for column in columns] for row in found["deliveries"]], title="\nMessages")
    if found["held_back"]:
        columns = ("held_at", "transition", "destination", "why", "reason", "due_at", "fate", "settled_at")
        print_table(columns, [[row[column] for column in columns] for row in found["held_back"]], title="\nHeld back")


@incidents.command("postmortem")
@click.argument("incident_id", type=int)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there; default: print it.")
@json_option
def postmortem(incident_id: int, output: Path | None, as_json: bool) -> None:
    """The timeline of an incident as Markdown, with impact, root cause and actions to be filled in."""
    from alerting_pipeline.rendering.notification import Presentation
    from alerting_pipeline.rendering.postmortem import Account
    from alerting_pipeline.rendering.postmortem import postmortem as written

    with App.from_environment() as app:
        desk, held = app.incident_desk, app.definition_ledger.in_force()
        found = desk.shown(incident_id)
        if found is None:
            raise AlertingError(
                f"There is no incident {incident_id}; `alerting incidents list --all` shows those there are."
            )
        waited = desk.waited(found)
    definition = held.of_incidents.get(found["alert"]) or held.built_in.get(found["alert"])
    about = Presentation.of(definition) if definition is not None else Presentation(title=found["alert"])
    team = held.people.teams.get(found["owner"])
    rows = {name: found[name] for name in ("events", "deliveries", "held_back")}
    text = written(Account(about.title, about.runbook, team.zone if team else "UTC", found, **rows, waited=waited))
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadCall(f"{output} can't be written ({error.strerror}); name another file") from None
    if as_json:
        print_json({"incident_id": incident_id, "output": str(output) if output else None, "markdown": text})
    else:
        click.echo(text if output is None else f"Written to {output}.", nl=output is not None)


@incidents.command("acknowledge")
@click.argument("incident_id", type=int)
@_as_option
@_note_option
@json_option
def acknowledge(incident_id: int, person: str | None, note: str, as_json: bool) -> None:
    """Take an incident: you look after it now."""
    from alerting_pipeline.usecases.act import acknowledge as take
    from alerting_pipeline.usecases.act import acting_person

    with App.from_environment() as app:
        actor = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        done = take(app.incident_desk, incident_id, actor, app.clock.now(), note)
    _tell(as_json, done.incident_id, f"Incident {incident_id} acknowledged by {actor}.", status=done.status, by=actor)


@incidents.command("assign")
@click.argument("incident_id", type=int)
@click.argument("assignee", metavar="PERSON")
@_as_option
@_note_option
@json_option
def assign(incident_id: int, assignee: str, person: str | None, note: str, as_json: bool) -> None:
    """Say who looks after an incident; they are told, and reminded until they acknowledge it."""
    from alerting_pipeline.domain.event import Assign
    from alerting_pipeline.usecases.act import acting_person
    from alerting_pipeline.usecases.act import assign as hand

    with App.from_environment() as app:
        people = app.definition_ledger.in_force().people
        actor = acting_person(people, person, getpass.getuser())
        taker = acting_person(people, assignee, assignee)
        event = Assign(actor, taker, note=note)
        done = hand(app.incident_desk, incident_id, event, app.clock.now(), app.due_incidents.terms)
    said = f"Incident {incident_id} assigned to {taker} by {actor}."
    _tell(as_json, done.incident_id, said, status=done.status, by=actor, assignee=done.assignee)


@incidents.command("snooze")
@click.argument("incident_id", type=int, required=False)
@click.option("--alert", metavar="NAME", help="All incidents of a definition instead of one.")
@click.option("--entity", "entities", multiple=True, metavar="COLUMN=VALUE", help="All incidents about an entity.")
@click.option("--for", "length_", metavar="DURATION", help="So long, such as 2h or 3d.")
@click.option("--until", metavar="T", help="Until then, such as 2026-01-05T17:00:00Z.")
@click.option("--until-worse-by", "factor", metavar="FACTOR", help="Earlier, if its deviance is worse by that.")
@click.option("--reason", default="", help="A sentence kept with it.")
@_as_option
@json_option
def snooze(
    incident_id: int | None, entities: tuple[str, ...], reason: str, person: str | None, as_json: bool, **said: Any
) -> None:
    """Hear nothing of an incident for a while. It wakes before that if it gets worse by the factor, or critical.

    Without a number: of all incidents of a definition, or about an entity across alerts, those to come included.
    """
    from alerting_pipeline.domain.event import Snooze
    from alerting_pipeline.domain.snooze import StandingSnooze
    from alerting_pipeline.usecases.act import acting_person
    from alerting_pipeline.usecases.act import snooze as of_one
    from alerting_pipeline.usecases.silence import silence

    alert, entity = said.pop("alert"), _entity(entities)
    if (incident_id is None) != bool(alert or entity):
        raise BadCall("write the number of an incident, or --alert and --entity; one of the two")
    with App.from_environment() as app:
        now, held = app.clock.now(), app.definition_ledger.in_force()
        actor = acting_person(held.people, person, getpass.getuser())
        until, factor = _end_of_snooze(now, **said)
        if incident_id is not None:
            of_one(app.incident_desk, incident_id, Snooze(actor, until, factor, reason), now)
            count, what = 1, f"Incident {incident_id}"
        else:
            if factor is not None:
                raise BadCall("--until-worse-by is about one incident; write its number")
            standing = StandingSnooze(until, actor, reason, alert, entity or None)
            count = silence(app.incident_desk, standing, held, now)
            what = " and ".join(part for part in (alert, *entities) if part) + f", {count} open now,"
    sentence = f"{what} snoozed by {actor} until {_readable(until)}"
    sentence += f", or until it is worse by {factor}." if factor is not None else "."
    _tell(as_json, incident_id, sentence, by=actor, until=until, factor=factor, snoozed=count)


@incidents.command("resolve")
@click.argument("incident_id", type=int)
@click.option("--disposition", metavar="VERDICT", help="true_positive, false_positive, expected or duplicate.")
@_as_option
@_note_option
@json_option
def resolve(incident_id: int, disposition: str | None, person: str | None, note: str, as_json: bool) -> None:
    """End an incident with your verdict; it is not raised again while its condition stays true."""
    from alerting_pipeline.domain.event import Resolve
    from alerting_pipeline.usecases.act import acting_person, disposition_of
    from alerting_pipeline.usecases.act import resolve as end

    verdict = disposition_of(disposition) if disposition else None
    with App.from_environment() as app:
        actor = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        done = end(app.incident_desk, incident_id, Resolve(actor, verdict, note), app.clock.now())
    said = f"Incident {incident_id} resolved by {actor}{f': {verdict.value}' if verdict else ''}."
    _tell(as_json, done.incident_id, said, status=done.status, by=actor, disposition=verdict)


@incidents.command("act")
@click.argument("incident_id", type=int)
@click.argument("action")
@_as_option
@_note_option
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what it would do, and do nothing.")
@json_option
def act(incident_id: int, action: str, person: str | None, note: str, is_dry_run: bool, as_json: bool) -> None:
    """Carry out one of the incident's actions: it ends with the action's verdict, and the action's row is written."""
    from alerting_pipeline.usecases.act import Order, acting_person
    from alerting_pipeline.usecases.act import act as carry_out

    with App.from_environment() as app:
        held = app.definition_ledger.in_force()
        actor = acting_person(held.people, person, getpass.getuser())
        order = Order(incident_id, action, actor, note)
        done = carry_out(app.incident_desk, order, held, app.clock.now(), is_dry_run=is_dry_run)
    verdict, row = done.incident.disposition, done.row
    facts = {"action": action, "status": done.incident.status, "by": actor, "disposition": verdict}
    writes = None if row is None else {"table": row.table, "key": dict(row.key), "values": dict(row.values)}
    said = f'Incident {incident_id}: {actor} {"would do" if is_dry_run else "did"} "{action}"'
    said += f", resolved as {verdict.value}" if verdict else ", resolved"
    said += "." if row is None else f"; {row.table}: {_readable({**row.key, **row.values})}."
    _tell(as_json, done.incident.incident_id, said, **facts, writes=writes, dry_run=is_dry_run)


def _entity(pairs: tuple[str, ...]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    if wrong := [pair for pair, (name, equals, _) in zip(pairs, split, strict=True) if not (name and equals)]:
        raise BadCall(f'--entity "{wrong[0]}" is not a column and its value; write one such as customer_id=c-17')
    return {name: value for name, _, value in split}


def _end_of_snooze(
    now: datetime, length_: str | None, until: str | None, factor: str | None
) -> tuple[datetime, Decimal | None]:
    """When a snooze ends at the latest, and the factor that ends it before."""
    from alerting_pipeline.cli.moment import length, moment
    from alerting_pipeline.domain.snooze import BY_FACTOR_ALONE
    from alerting_pipeline.domain.written import number

    if length_ is not None and until is not None:
        raise BadCall("a snooze has one end; write --for or --until, not both")
    try:
        worse = number(factor) if factor is not None else None
    except ValueError as error:
        raise BadCall(f"--until-worse-by: {error}") from None
    if until is not None:
        return moment(until, "--until"), worse
    if length_ is not None:
        return now + length(length_, "--for"), worse
    if worse is None:
        raise BadCall("a snooze needs an end; write --for 2h, --until 2026-01-05T17:00:00Z or --until-worse-by 1.5")
    return now + BY_FACTOR_ALONE, worse


def _offer(action: Mapping[str, Any]) -> tuple[Any, ...]:
    write = action["write"]
    row = "" if write is None else f"{write['table']}: {_readable(write['values'])} for {', '.join(write['key'])}"
    return action["name"], " or ".join(action["roles"]) or "everybody", action["disposition"] or "", row


def _tell(as_json: bool, incident_id: int | None, sentence: str, **facts: Any) -> None:
    if as_json:
        print_json({"incident_id": incident_id, **facts})
    else:
        click.echo(sentence)


def _line(row: Mapping[str, Any]) -> tuple[Any, ...]:
    status = f"{row['status']} (held)" if row["held_since"] and row["status"] != "resolved" else row["status"]
    if row["status"] == "snoozed":
        status = f"snoozed until {row['snoozed_until']:%Y-%m-%d %H:%M}"
    ended = f"{row['status']}: {row['resolution']}" if row["resolution"] else status
    return (
        str(row["incident_id"]), row["alert"], row["severity"], ended, row["opened_at"], row["due_at"], row["owner"],
        row["summary"],
    )  # fmt: skip


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_readable(item)}" for name, item in value.items())
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)
