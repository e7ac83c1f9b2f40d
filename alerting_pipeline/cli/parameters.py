"""`alerting parameters`: which values hold and where they come from; ask for others, decide, look back, take back."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.moment import length as written_length
from alerting_pipeline.cli.moment import moment
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.cli.parameter_sheets import read_sheet, write_sheet
from alerting_pipeline.cli.parameter_tables import print_explained, print_requests
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.nearest import did_you_mean

if TYPE_CHECKING:
    from alerting_pipeline.domain.change_ports import Tuned
    from alerting_pipeline.domain.change_request import Key

_as_option = click.option("--as", "person", metavar="NAME", help="Who acts; default: your operating-system user.")
_reason_option = click.option("--reason", default="", help="Why; kept with it, and told.")
_segment_option = click.option("--segment", metavar="NAME", help="The value for one segment.")
_entity_option = click.option(
    "--entity", "entities", metavar="VALUE", multiple=True,
    help="The value for one entity; once per column of the entity, in the order of their names.",
)  # fmt: skip


@click.group("parameters", invoke_without_command=True)
@json_option
@click.pass_context
def parameters(context: click.Context, as_json: bool) -> None:
    """Values that people change: list, propose, approve, reject, history, revert, read-sheet, write-sheet."""
    if context.invoked_subcommand is None:
        context.invoke(list_parameters, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting parameters {context.invoked_subcommand} --json")


parameters.add_command(read_sheet)
parameters.add_command(write_sheet)


@parameters.command("list")
@click.argument("alerts", nargs=-1)
@click.option("--explain", "is_explained", is_flag=True, help="Which value goes before which, and where each is from.")
@click.option("--all", "is_all", is_flag=True, help="Decided requests, too.")
@json_option
def list_parameters(
    alerts: tuple[str, ...] = (), is_explained: bool = False, is_all: bool = False, as_json: bool = False
) -> None:
    """The values in force, what is planned, and the requests that wait for approval."""
    from alerting_pipeline.usecases.list_parameters import standing_values

    with App.from_environment() as app:
        values = standing_values(app.change_requests, app.definition_ledger.in_force(), alerts, app.clock.now())
        requests = [row for row in app.change_requests.listed(is_all=is_all) if not alerts or row["alert"] in alerts]
    if as_json:
        print_json({"parameters": values, "requests": requests})
        return
    if is_explained:
        print_explained(values)
    else:
        columns = ("parameter", "for", "value", "unit", "until", "where from")
        shown = [{**each, "parameter": f"{each['alert']}.{each['parameter']}"} for each in values]
        held = [each for each in shown if each["holds"] and each["scope"] != "entry"]
        print_table(columns, [[_cell(each[column]) for column in columns] for each in held])
    print_requests(requests)


@parameters.command("propose")
@click.argument("alert")
@click.argument("parameter")
@click.argument("value", required=False)
@_segment_option
@_entity_option
@click.option("--add", "added", metavar="ENTRY", help="Put an entry into a list.")
@click.option(
    "--remove",
    "removed",
    metavar="[ENTRY]",
    is_flag=False,
    flag_value="",
    help="Take an entry out of a list; without ENTRY: a segment or an entity has no value of its own any more.",
)
@click.option("--from", "start", metavar="INSTANT", help="From when on: 2026-01-20T08:00:00Z; default: at once.")
@click.option("--until", metavar="INSTANT", help="When it ends by itself; what held before holds again then.")
@click.option("--for", "length", metavar="DURATION", help="How long it holds, such as 3d, instead of --until.")
@click.option("--old", "expected", metavar="VALUE", help="The value that you saw: refused if another one is in force.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what it would do, and ask for nothing.")
@click.option("--days", type=click.IntRange(1, 3_660), default=90, show_default=True, help="Replay so many days.")
@click.option("--no-impact", "is_blind", is_flag=True, help="Replay nothing.")
@_reason_option
@_as_option
@json_option
def propose(
    alert: str,
    parameter: str,
    value: str | None,
    segment: str | None,
    entities: tuple[str, ...],
    added: str | None,
    removed: str | None,
    start: str | None,
    until: str | None,
    length: str | None,
    expected: str | None,
    is_dry_run: bool,
    days: int,
    is_blind: bool,
    reason: str,
    person: str | None,
    as_json: bool,
) -> None:
    """Ask for another value: `alerting parameters propose large_transaction review_limit 20000 --reason "…"`.

    What it would have done in the last days is shown beforehand, and kept with the request for whoever decides. It is
    in force at the next evaluation, or as soon as somebody else has approved it where the definition asks for that.
    A list changes by single entries: `… propose cold_room_too_warm rooms_in_service --add r7 --for 3d --reason "…"`.
    """
    from alerting_pipeline.cli.impact import impact_of, print_impact
    from alerting_pipeline.domain.change_ports import Proposal

    if [value, added, removed].count(None) != 2:
        raise BadCall(
            "write one of: the new value, --add or --remove with an entry of a list, or --remove for a segment or an "
            "entity that has its own"
        )
    entry = added or removed or None
    with App.from_environment() as app:
        starts_at = None if start is None else moment(start, "--from")
        key = _key(app, alert, parameter, segment, entities, entry)
        proposal = Proposal(
            key=key,
            written=_written(app, key, value) if added is None else added,
            person=acting(app, person),
            reason=reason,
            starts_at=starts_at,
            ends_at=_end(starts_at or app.clock.now(), until, length),
            expected=expected,
        )
        done = app.tuning().propose(proposal, is_dry_run=True)  # whatever is wrong is told before anything is replayed
        impact = None if is_blind else impact_of(app, done.request.change, days, quiet=as_json)
        if impact is not None and not as_json:
            print_impact(impact)
        done = app.tuning(impact=lambda change: impact).propose(proposal, is_dry_run=is_dry_run)
    tell_outcome(done, as_json, is_dry_run=is_dry_run)


@parameters.command("approve")
@click.argument("request_id", type=int)
@click.option("--change", "change_hash", metavar="HASH", help="The hash of the change that you were shown.")
@_as_option
@json_option
def approve(request_id: int, change_hash: str | None, person: str | None, as_json: bool) -> None:
    """Put a requested change into force; never one's own."""
    with App.from_environment() as app:
        done = app.tuning().approve(request_id, acting(app, person), change_hash=change_hash)
    tell_outcome(done, as_json)


@parameters.command("reject")
@click.argument("request_id", type=int)
@_reason_option
@_as_option
@json_option
def reject(request_id: int, reason: str, person: str | None, as_json: bool) -> None:
    """Refuse a requested change, with the reason; whoever asked for it withdraws it."""
    with App.from_environment() as app:
        done = app.tuning().reject(request_id, acting(app, person), reason)
    tell_outcome(done, as_json, is_fine=True)


@parameters.command("revert")
@click.argument("alert")
@click.argument("parameter")
@_segment_option
@_entity_option
@click.option("--entry", metavar="ENTRY", help="The newest change of this entry of a list.")
@_reason_option
@_as_option
@json_option
def revert(
    alert: str,
    parameter: str,
    segment: str | None,
    entities: tuple[str, ...],
    entry: str | None,
    reason: str,
    person: str | None,
    as_json: bool,
) -> None:
    """Take back the newest change of a value: what held before it holds again."""
    with App.from_environment() as app:
        key = _key(app, alert, parameter, segment, entities, entry)
        done = app.tuning().revert(key, acting(app, person), reason)
    tell_outcome(done, as_json)


@parameters.command("history")
@click.argument("alert")
@click.argument("parameter", required=False)
@json_option
def history(alert: str, parameter: str | None, as_json: bool) -> None:
    """Every value there ever was, when it was in force, and by whom."""
    with App.from_environment() as app:
        if parameter is not None:
            _key(app, alert, parameter, None, ())
        rows = app.change_requests.history(alert, parameter)
        requests = app.change_requests.listed(is_all=True, alert=alert)
        known = app.definition_ledger.in_force().definitions
        if not rows and not requests and alert not in known:
            hint = did_you_mean(alert, known) or "`alerting parameters list` shows all"
            raise BadCall(f'"{alert}" is not in force, and no value of it was ever kept; {hint}')
    if parameter is not None:
        requests = [row for row in requests if row["parameter"] == parameter]
    if as_json:
        print_json({"values": rows, "requests": requests})
        return
    columns = (
        "parameter", "scope", "scope_value", "value", "valid_from", "valid_to", "changed_by", "approved_by",
        "recorded_at", "request_id", "reason",
    )  # fmt: skip
    print_table(columns, [[row[column] for column in columns] for row in rows])
    print_requests(requests)


def tell_outcome(done: Tuned, as_json: bool, *, is_dry_run: bool = False, is_fine: bool = False) -> None:
    """Say what became of it; exit code 1 where an approval did not come to pass."""
    from alerting_pipeline.domain.change_request import sentence

    request, change = done.request, done.request.change
    facts = {
        "request_id": request.request_id or None, "alert": change.key.alert, "parameter": change.key.parameter,
        "scope": change.key.scope, "scope_value": change.key.scope_value, "old": change.old, "new": change.new,
        "from": change.starts_at, "until": change.ends_at, "status": request.status, "answer": request.answer,
        "waits_for": list(done.waits_for), "impact": done.impact, "change_hash": request.change_hash,
        "dry_run": is_dry_run, "also_void": [each.request_id for each in done.also_void],
    }  # fmt: skip
    if as_json:
        print_json(facts)
    else:
        ends = f", until {change.ends_at:%Y-%m-%d %H:%M} UTC" if change.ends_at else ""
        click.echo(f"{sentence(change)}{ends}")
        click.echo(_outcome(done, is_dry_run))
        for each in done.also_void:
            click.echo(f"Request {each.request_id} by {each.requested_by} is void by it; they are told.")
    if request.status in ("void", "expired") and not is_fine:
        raise AlertingError(f"Request {request.request_id} is {request.status}: {request.answer}.")


def _outcome(done: Tuned, is_dry_run: bool) -> str:
    request, change = done.request, done.request.change
    if is_dry_run:
        who = f"It would wait for {' or '.join(done.waits_for)}." if done.waits_for else "It would need no approval."
        return f"A dry run: nothing was asked for. {who}"
    if request.status == "open":
        asked = ", ".join(done.waits_for)
        return f"Request {request.request_id} waits for approval by {asked}, until {request.expires_at:%Y-%m-%d}."
    if request.status != "approved":
        return f"Request {request.request_id} is {request.status}: {request.answer}."
    begins = f"from {change.starts_at:%Y-%m-%d %H:%M} UTC on" if change.starts_at else "from the next evaluation on"
    return f"Request {request.request_id} is in force {begins}."


def _key(
    app: App, alert: str, parameter: str, segment: str | None, entities: tuple[str, ...], entry: str | None = None
) -> Key:
    from alerting_pipeline.domain.change_request import Key

    if entry is not None and (segment is not None or entities):
        raise BadCall("an entry is of the list for everything; a segment or an entity has a whole list of its own")
    if segment is not None and entities:
        raise BadCall("a value is for a segment or for an entity, not for both")
    if entry is not None:
        key = Key(alert, parameter, "entry", entry)
    elif segment is not None:
        key = Key(alert, parameter, "segment", segment)
    elif entities:
        key = Key(alert, parameter, "entity", entities[0] if len(entities) == 1 else _packed(entities))
    else:
        key = Key(alert, parameter)
    app.tuning().parameter(key)
    return key


def _written(app: App, key: Key, value: str | None) -> Any:
    """The value as typed; a segment's or an entity's own list may be several: '["CR-01", "CR-02"]'."""
    if value is None or not value.startswith("[") or app.tuning().parameter(key).type != "list":
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise BadCall(f'"{value}" is no list; write one such as \'["CR-01", "CR-02"]\'') from None


def _packed(entities: tuple[str, ...]) -> str:
    """As `json_build_array` writes it, by which the scan finds it."""
    return json.dumps(list(entities), ensure_ascii=False)


def acting(app: App, person: str | None) -> str:
    """Who acts, by short name."""
    from alerting_pipeline.usecases.act import acting_person

    return acting_person(app.definition_ledger.in_force().people, person, getpass.getuser())


def _end(starts_at: datetime, until: str | None, length: str | None) -> datetime | None:
    if until is not None and length is not None:
        raise BadCall("say when it ends once: either --until or --for")
    if length is not None:
        return starts_at + written_length(length, "--for")
    return None if until is None else moment(until, "--until")


def _cell(value: Any) -> Any:
    from alerting_pipeline.domain.change_request import ALWAYS

    return "the start" if value == ALWAYS else value
