"""`alerting reports`: what is sent on a schedule; a look at it beforehand; sending it; who wants no more of it."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.bad_files import refuse_bad
from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from datetime import datetime

    from alerting_pipeline.domain.letter import Judged, SendResult
    from alerting_pipeline.domain.report import ReportDefinition
    from alerting_pipeline.rendering.email import Email
    from alerting_pipeline.usecases.send_reports import Preview

_COUNTS = ("due", "sent", "known", "waiting", "skipped", "unsubscribed", "duplicates", "null_rows")
_as_option = click.option("--as", "person", metavar="NAME", help="Who acts; default: you, as people.yaml knows you.")


@click.group("reports", invoke_without_command=True)
@json_option
@click.pass_context
def reports(context: click.Context, as_json: bool) -> None:
    """Messages on a schedule, one per row of a mart: list, preview, send, unsubscribe, resubscribe."""
    if context.invoked_subcommand is None:
        context.invoke(list_reports, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting reports {context.invoked_subcommand} --json")


@reports.command("list")
@json_option
def list_reports(as_json: bool = False) -> None:
    """Each report in force, and how its current window stands."""
    from alerting_pipeline.store.unsubscriptions import addresses

    with App.from_environment() as app:
        sender, now = app.report_sender(), app.clock.now()
        windows, gone = app.report_ledger.last_windows(), addresses(app.engine)
        rows = [
            _standing(definition, sender.current_window(definition, now), windows.get(name, {}), gone.get(name, 0))
            for name, definition in sender.definitions.items()
        ]
    if as_json:
        print_json({"as_of": now, "reports": rows})
        return
    if not rows:
        click.echo("No report is in force; `alerting reports send` and `alerting run` put the files into force.")
        return
    columns = ("report", "window", "status", "due", "sent", "waiting", "skipped", "unsubscribed", "reason")
    print_table(columns, [[row[column] for column in columns] for row in rows])


@reports.command("preview")
@click.argument("name")
@click.option("--entity", metavar="VALUE", help="The row of this entity; default: the first few.")
@click.option("--as-of", "as_of", metavar="T", help="The instant that counts as now, such as 2026-01-05T05:00:00Z.")
@click.option("--html", "as_html", is_flag=True, help="Print the HTML of the message instead of its text.")
@json_option
def preview(name: str, entity: str | None, as_of: str | None, as_html: bool, as_json: bool) -> None:
    """What the report NAME, as its file is now, would send, and what became of messages written before; one message in
    full. Sends and writes nothing.
    """
    from alerting_pipeline.domain.letter import Fate
    from alerting_pipeline.rendering.letter import mail
    from alerting_pipeline.usecases.send_reports import Wanted

    with App.from_environment() as app:
        note_standing_clock(app.settings)
        moment = _instant(as_of) if as_of else app.clock.now()
        loaded = app.loaded_definitions
        refuse_bad(loaded, [name], loaded.reports)
        sender = app.report_sender(loaded.reports)
        definition = sender.definition(name)
        with app.report_ledger.rehearse() as transaction:
            found = sender.preview(transaction, definition, moment, Wanted(entity))
        failures = app.mart_health.of([definition.model]).failures
    if entity is not None and not found.shown:
        when = f"{moment:%Y-%m-%d %H:%M} UTC"
        raise AlertingError(f'No row of {definition.model} about "{entity}" meets the condition at {when}.')
    written = sorted((each for each in found.shown if each.letter), key=lambda each: each.fate is not Fate.QUEUED)
    example = next((mail(each.letter) for each in written if each.letter), None)
    if as_json:
        print_json(_preview_json(found, example, failures))
        return
    _print_preview(found, example, as_html=as_html)
    if failures:
        click.echo(f"It is held now: {failures[0]}.")
    click.echo("Nothing was written or sent.")


@reports.command("send")
@click.argument("name", required=False)
@click.option("--all", "is_all", is_flag=True, help="Every report in force.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would be sent; write and send nothing.")
@json_option
def send(name: str | None, is_all: bool, is_dry_run: bool, as_json: bool) -> None:
    """Send the current window of the report NAME, as far as it is not sent yet; definition files take effect first.

    Messages go to the outbox, from which `alerting deliver` or `alerting up` hands them over. Exit code 1 says that a
    report is held or could not be sent.
    """
    if (name is None) == (not is_all):
        raise BadCall("name one report, or write --all")
    with App.from_environment() as app, progress(quiet=as_json) as shown:
        note_standing_clock(app.settings)
        app.publish_definitions()
        sender, now = app.report_sender(), app.clock.now()
        results: list[SendResult] = []
        for number, report in enumerate(names := [name] if name else list(sender.definitions)):
            shown.report("send", report, number, len(names))
            result = sender.send(report, now, is_dry_run=is_dry_run)
            results += [result] if result is not None else []
    if as_json:
        print_json({"as_of": now, "dry_run": is_dry_run, "reports": [_result_json(each) for each in results]})
    else:
        columns = ("report", "window", "status", *_COUNTS, "reason")
        print_table([column.replace("_", " ") for column in columns], [_line(each, columns) for each in results])
        click.echo("Nothing was written or sent." if is_dry_run else "`alerting outbox list` shows what waits.")
    sys.exit(1 if any(each.status in ("held", "failed") for each in results) else 0)


@reports.command("unsubscribe")
@click.argument("report")
@click.argument("address")
@_as_option
@json_option
def unsubscribe(report: str, address: str, person: str | None, as_json: bool) -> None:
    """From now on ADDRESS gets no message of REPORT, as if it had followed the link in one."""
    _subscription(report, address, person, as_json, is_wanted=False)


@reports.command("resubscribe")
@click.argument("report")
@click.argument("address")
@_as_option
@json_option
def resubscribe(report: str, address: str, person: str | None, as_json: bool) -> None:
    """ADDRESS gets the messages of REPORT again."""
    _subscription(report, address, person, as_json, is_wanted=True)


def _subscription(report: str, address: str, person: str | None, as_json: bool, *, is_wanted: bool) -> None:
    from alerting_pipeline.domain.letter import is_address
    from alerting_pipeline.usecases.act import acting_person

    if not is_address(address):
        raise BadCall(f'"{address}" is not a mail address; write one such as ada@example.com')
    with App.from_environment() as app:
        held = app.definition_ledger.in_force()
        app.report_sender(held.reports).definition(report)
        actor = acting_person(held.people, person, getpass.getuser())
        change = app.unsubscriptions.remove if is_wanted else app.unsubscriptions.add
        is_changed = change(report, address, actor)
    if as_json:
        print_json({"report": report, "address": address.lower(), "is_subscribed": is_wanted, "changed": is_changed})
        return
    state = "gets" if is_wanted else "gets no"
    click.echo(f"{address} {state} messages of {report}{'' if is_changed else ', as before'}.")


def _standing(
    definition: ReportDefinition, current: datetime | None, last: dict[str, Any], gone: int
) -> dict[str, Any]:
    """The current window where it was looked at; otherwise it waits for its first look."""
    is_looked_at = current is not None and last.get("due_at") == current
    known = last if is_looked_at else {}
    return {
        "report": definition.report,
        "model": definition.model,
        "schedule": definition.trigger.cron,
        "timezone": definition.trigger.timezone,
        "window": current,
        "status": known.get("status", "not sent yet"),
        **{name: known.get(name, 0) for name in ("due", "sent", "waiting", "skipped", "duplicates", "null_rows")},
        "unsubscribed": gone,
        "reason": known.get("reason"),
        "last_window": last.get("due_at"),
    }


def _preview_json(found: Preview, example: Email | None, failures: tuple[str, ...]) -> dict[str, Any]:
    return {
        **_result_json(found.result),
        "recipients": found.result.sent,
        "rows": [_row_json(each) for each in found.shown],
        "message": asdict(example) if example else None,
        "held": list(failures),
    }


def _result_json(result: SendResult) -> dict[str, Any]:
    return asdict(result)


def _row_json(each: Judged) -> dict[str, Any]:
    return {
        "entity": each.due.entity,
        "window": each.due.window,
        "recipient": each.due.recipient,
        "fate": each.fate,
        "reason": each.reason,
        "subject": each.letter.subject if each.letter else None,
    }


def _print_preview(found: Preview, example: Email | None, *, as_html: bool) -> None:
    result = found.result
    click.echo(
        f"{result.report}: {result.sent:,} would be sent now, of {result.due:,} rows; "
        f"{result.waiting:,} outside of their hours, {result.skipped:,} skipped, "
        f"{result.unsubscribed:,} unsubscribed; {result.known:,} known from before."
    )
    for reason, count in sorted(result.reasons.items()):
        click.echo(f"  skipped {count:,}: {reason}")
    rows = [
        (", ".join(str(value) for value in each.due.entity.values()), each.due.recipient, each.fate, each.reason,
         each.letter.subject if each.letter else "")
        for each in found.shown
    ]  # fmt: skip
    print_table(("entity", "recipient", "fate", "reason", "subject"), rows, title="\nThe first rows")
    if example is not None:
        click.echo(f"\nSubject: {example.subject}\n\n{example.html if as_html else example.text}")


def _line(result: SendResult, columns: tuple[str, ...]) -> list[Any]:
    return [getattr(result, column) for column in columns]


def _instant(text: str) -> datetime:
    from alerting_pipeline.domain.written import instant

    try:
        return instant(text)
    except ValueError as error:
        raise BadCall(f"--as-of {error}") from None
