"""`alerting write-back`: rows that wait for approval, rows that were written, and putting them back as they were."""

from __future__ import annotations

import getpass
import uuid
from datetime import datetime
from typing import Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import count, json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall

_RUNS = ("run_id", "halted_at", "alert", "destination", "rows", "at_most", "decision", "decided_by")
_AS = click.option("--as", "person", help="Who decides; default: whoever people.yaml maps the system's user to.")


@click.group("write-back", invoke_without_command=True)
@json_option
@click.pass_context
def write_back(context: click.Context, as_json: bool) -> None:
    """Rows in sheets, tables and files: what waits for approval, and what was written."""
    if context.invoked_subcommand is None:
        context.invoke(list_runs, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting write-back {context.invoked_subcommand} --json")


@write_back.command("list")
@click.option("--all", "is_all", is_flag=True, help="The decided ones as well.")
@json_option
def list_runs(is_all: bool = False, as_json: bool = False) -> None:
    """Runs with more rows than their destination takes at once; they wait until somebody decides."""
    with App.from_environment() as app:
        rows = app.write_runs.listed(is_waiting=None if is_all else True)
    if as_json:
        print_json(rows)
        return
    print_table(_RUNS, [[row[column] for column in _RUNS] for row in rows])
    click.echo("`alerting write-back show RUN` shows what it would write" if rows else "nothing waits for approval")


@write_back.command("show")
@click.argument("run", type=int)
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="The first so many rows.")
@json_option
def show(run: int, limit: int, as_json: bool) -> None:
    """The rows that RUN would write."""
    with App.from_environment() as app:
        found = [each for each in app.write_runs.listed(is_waiting=None, limit=100_000) if each["run_id"] == run]
        rows = app.write_runs.rows(run, limit)
    if not found:
        raise AlertingError(f"There is no halted run {run}; `alerting write-back list --all` shows them.")
    if as_json:
        print_json({**found[0], "first_rows": rows})
        return
    columns = ("incident_id", "transition", "severity", "status", "summary")
    print_table(columns, [[row[column] for column in columns] for row in rows])
    click.echo(f"{len(rows)} of {count(found[0]['rows'], 'row')} for {found[0]['destination']}")


@write_back.command("approve")
@click.argument("run", type=int)
@click.option("--reason", default="", help="A sentence that is kept with the decision.")
@_AS
@json_option
def approve(run: int, reason: str, person: str | None, as_json: bool) -> None:
    """Let the rows of RUN be written."""
    _decide(run, "approved", reason, person, as_json)


@write_back.command("reject")
@click.argument("run", type=int)
@click.option("--reason", default="", help="A sentence that is kept with the decision.")
@_AS
@json_option
def reject(run: int, reason: str, person: str | None, as_json: bool) -> None:
    """Never write the rows of RUN, nor later ones of the same incidents there."""
    _decide(run, "rejected", reason, person, as_json)


@write_back.command("history")
@click.option("--destination", help="Only rows of this destination.")
@click.option("--incident", type=int, help="Only rows about this incident.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="The newest so many.")
@json_option
def history(destination: str | None, incident: int | None, limit: int, as_json: bool) -> None:
    """Rows that were written, the newest first: what changed, and what somebody had typed over."""
    from alerting_pipeline.store.written_rows import Chosen

    with App.from_environment() as app:
        rows = app.row_ledger.listed(Chosen(incident_id=incident, destination=destination), limit)
    if as_json:
        print_json(rows)
        return
    columns = ("written_at", "destination", "incident_id", "change", "kept", "undone_by", "delivery_id")
    print_table(columns, [_written(row) for row in rows])
    if not rows:
        click.echo("nothing was written yet")


@write_back.command("undo")
@click.argument("delivery_id", required=False)
@click.option("--incident", type=int, help="All rows about this incident.")
@click.option("--alert", help="All rows of this alert, with --since.")
@click.option("--destination", help="Only those of this destination.")
@click.option("--since", help="Written at this instant or later, such as 2026-01-05T05:00:00Z.")
@_AS
@json_option
def undo(
    delivery_id: str | None,
    incident: int | None,
    alert: str | None,
    destination: str | None,
    since: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    """Put rows back as they were before they were written: one by its DELIVERY_ID, those of an incident, or those of an
    alert since an instant. A row that somebody has changed since is left alone; exit code 1 says so.
    """
    from alerting_pipeline.store.written_rows import Chosen
    from alerting_pipeline.usecases.act import acting_person
    from alerting_pipeline.usecases.undo_rows import undo_rows

    if (delivery_id, incident, alert).count(None) != 2 or (alert is not None and since is None):
        raise BadCall("say which rows: DELIVERY_ID, or --incident N, or --alert NAME --since INSTANT")
    chosen = Chosen(_uuid(delivery_id), incident, alert, destination, _instant(since))
    with App.from_environment() as app:
        who = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        rows = app.row_ledger.chosen(chosen)
        if not rows:
            raise AlertingError(
                "There are no such rows that could be undone; `alerting write-back history` shows them."
            )
        done = undo_rows(rows, app.channel_named, app.row_ledger, who)
    refused = [each for each in done if each.refused]
    if as_json:
        print_json(done)
    else:
        columns = ("destination", "place", "incident_id", "refused")
        print_table(columns, [[getattr(each, name) for name in columns] for each in done])
        click.echo(f"{count(len(done) - len(refused), 'row')} put back")
    if refused:
        raise AlertingError(f"{count(len(refused), 'row')} not put back, the first because {refused[0].refused}")


def _written(row: dict[str, Any]) -> list[Any]:
    before, after = row["before"] or {}, row["after"] or {}
    changed = [f"{name}: {before.get(name)} → {value}" for name, value in after.items() if before.get(name) != value]
    change = "removed" if row["after"] is None else "new row" if row["before"] is None else ", ".join(changed)
    kept = ", ".join(row["kept"])
    shown = [row[name] for name in ("written_at", "destination", "incident_id")]
    return [*shown, change, kept, row["undone_by"], str(row["delivery_id"])]


def _uuid(written: str | None) -> str | None:
    try:
        return None if written is None else str(uuid.UUID(written))
    except ValueError:
        raise BadCall(f'"{written}" is not a delivery id; `alerting write-back history` shows them') from None


def _instant(written: str | None) -> datetime | None:
    from alerting_pipeline.domain.written import instant

    try:
        return None if written is None else instant(written)
    except ValueError as error:
        raise BadCall(f"--since {error}") from None


def _decide(run: int, verdict: str, reason: str, person: str | None, as_json: bool) -> None:
    from alerting_pipeline.usecases.act import acting_person
    from alerting_pipeline.usecases.decide_rows import Decision, decide_rows

    with App.from_environment() as app:
        who = acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())
        decision = Decision(run, "approved" if verdict == "approved" else "rejected", who, reason)
        decided = decide_rows(app.write_runs, decision, app.clock.now())
    if as_json:
        print_json(decided)
    else:
        click.echo(f"{count(decided.rows, 'row')} of {decided.alert} for {decided.destination} {decided.verdict}")
