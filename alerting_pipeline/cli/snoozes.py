"""`alerting snoozes`: the entities and definitions that are snoozed, and lifting such a snooze early."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import BadCall


@click.group("snoozes", invoke_without_command=True)
@json_option
@click.pass_context
def snoozes(context: click.Context, as_json: bool) -> None:
    """Entities and definitions that nobody hears of for a while: list, end. `alerting incidents snooze` makes them."""
    if context.invoked_subcommand is None:
        context.invoke(list_snoozes, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting snoozes {context.invoked_subcommand} --json")


@snoozes.command("list")
@json_option
def list_snoozes(as_json: bool = False) -> None:
    """Those that hold now, the one that ends first before the others."""
    with App.from_environment() as app:
        rows = app.incident_desk.snoozes(app.clock.now())
    if as_json:
        print_json(rows)
        return
    columns = ("snooze_id", "alert", "entity", "until", "created_by", "reason")
    print_table(columns, [[_readable(row[name]) for name in columns] for row in rows])
    click.echo(f"{len(rows)} shown" if rows else "Nothing is snoozed but single incidents.")


@snoozes.command("end")
@click.argument("snooze_id", type=int)
@click.option("--reason", required=True, help="Why it ends early; kept with it.")
@click.option("--as", "person", metavar="NAME", help="Who acts; default: your operating-system user.")
@json_option
def end(snooze_id: int, reason: str, person: str | None, as_json: bool) -> None:
    """End a snooze of an entity or a definition now: what it kept silent and is still open is told how it stands."""
    from alerting_pipeline.usecases.act import acting_person
    from alerting_pipeline.usecases.silence import Lift, lift

    with App.from_environment() as app:
        actor = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        order = Lift(snooze_id, actor, reason.strip())
        woken = lift(app.incident_desk, order, app.due_incidents.terms, app.clock.now())
    if as_json:
        print_json({"snooze_id": snooze_id, "ended_by": actor, "reason": reason, "woken": woken})
    else:
        click.echo(f"Snooze {snooze_id} was ended by {actor}; {woken} open incidents are heard of again.")


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "" if value is None else value
