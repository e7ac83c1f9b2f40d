"""`alerting drafts`: new alerts that somebody asked for, and the answer to them."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.draft_ports import Decided
    from alerting_pipeline.domain.draft_request import DraftRequest
    from alerting_pipeline.usecases.request_alert import AlertRequests

_as_option = click.option("--as", "person", metavar="NAME", help="Who acts; default: your operating-system user.")


@click.group("drafts", invoke_without_command=True)
@json_option
@click.pass_context
def drafts(context: click.Context, as_json: bool) -> None:
    """New alerts that wait for approval: list, show, approve, reject. `alerting new` asks for one."""
    if context.invoked_subcommand is None:
        context.invoke(list_drafts, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting drafts {context.invoked_subcommand} --json")


@drafts.command("list")
@click.option("--all", "is_all", is_flag=True, help="Decided ones, too.")
@json_option
def list_drafts(is_all: bool = False, as_json: bool = False) -> None:
    """Drafts that wait for an answer, the newest first."""
    from alerting_pipeline.store.draft_requests import DraftRequests

    with App.from_environment() as app:
        found = DraftRequests(app.engine).listed(is_all=is_all)
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    if not found:
        click.echo("No draft waits for an answer; `alerting new` asks for one.")
        return
    columns = ("draft", "status", "alert", "owner", "by", "why", "a week", "answer")
    print_table(columns, [_line(each) for each in found])


@drafts.command("show")
@click.argument("draft", type=int)
@json_option
def show(draft: int, as_json: bool) -> None:
    """The file to the letter, why it was asked for, what it would have done, and who may approve it."""
    with App.from_environment() as app:
        requests = _requests(app)
        request = _found(requests, draft)
    if as_json:
        print_json({**_as_json(request), "text": request.file.text, "impact": request.impact})
        return
    click.echo(request.file.text)
    click.echo(f"Draft {draft} by {request.requested_by}, {request.file.path}: {request.reason}")
    for line in _impact(request):
        click.echo(line)
    click.echo(f"hash {request.draft_hash}")
    click.echo(_standing(request))


@drafts.command("approve")
@click.argument("draft", type=int)
@click.option("--draft", "draft_hash", metavar="HASH", help="The hash of the draft that you were shown.")
@_as_option
@json_option
def approve(draft: int, draft_hash: str | None, person: str | None, as_json: bool) -> None:
    """Write the file and commit it, by its requester and with your approval; never one's own."""
    from alerting_pipeline.app.drafting import FolderOfDefinitions

    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        requests = _requests(app)
        who = _person(requests, person)
        done = requests.approve(draft, who, FolderOfDefinitions(app, shown), draft_hash=draft_hash)
    _tell(done, as_json)


@drafts.command("reject")
@click.argument("draft", type=int)
@click.option("--reason", default="", help="Why; it is what the requester is told.")
@_as_option
@json_option
def reject(draft: int, reason: str, person: str | None, as_json: bool) -> None:
    """Refuse a draft, with the reason; whoever asked for it withdraws it."""
    from alerting_pipeline.domain.draft import checked_texts

    checked_texts({"reason": reason})
    with App.from_environment() as app:
        requests = _requests(app)
        done = requests.reject(draft, _person(requests, person), reason)
    _tell(done, as_json)


def _requests(app: App) -> AlertRequests:
    from alerting_pipeline.app.drafting import alert_requests

    return alert_requests(app)


def _found(requests: AlertRequests, number: int) -> DraftRequest:
    found = requests.book.find(number)
    if found is None:
        raise BadCall(f"there is no draft {number}; `alerting drafts list --all` shows those that there were")
    return found


def _person(requests: AlertRequests, person: str | None) -> str:
    from alerting_pipeline.usecases.act import acting_person

    return acting_person(requests.rules.people, person, getpass.getuser())


def _tell(done: Decided, as_json: bool) -> None:
    """Say what became of it; exit code 1 where an approval did not come to pass."""
    request = done.request
    if as_json:
        print_json(_as_json(request))
    else:
        click.echo(_standing(request))
    if request.status in ("void", "expired"):
        raise AlertingError(f"Draft {request.request_id} is {request.status}: {request.answer}.")


def _standing(request: DraftRequest) -> str:
    number = request.request_id
    if request.status == "open":
        until = f"{request.expires_at:%Y-%m-%d %H:%M} UTC"
        return f"Draft {number} waits for somebody with the role {' or '.join(request.approvers)}, until {until}."
    if request.status == "approved":
        commit = f"{request.file.path} was written and committed as {(request.commit or '')[:10]}"
        return f"Draft {number} is approved by {request.decided_by}: {commit}; `alerting run` puts it into force."
    return f"Draft {number} is {request.status}: {request.answer}."


def _impact(request: DraftRequest) -> list[str]:
    impact = request.impact or {}
    if "unknown" in impact:
        return [f"Its past is not known: {impact['unknown']}"]
    told = ", ".join(f"{who} {number:.1f}" for who, number in impact.get("recipients", {}).items())
    lines = [
        f"{impact.get('violations', 0):,} rows would have fired when it was asked for",
        f"over the last {impact['days']} days: {impact['incidents']:,} incidents, "
        f"{impact['incidents_per_week']:.1f} a week; messages a week: {told or 'none'}",
    ]
    return [*lines, *(f"{who} would be over the budget" for who in impact.get("over_budget", ()))]


def _line(request: DraftRequest) -> tuple[Any, ...]:
    weekly = (request.impact or {}).get("incidents_per_week")
    waiting = f"waits for {' or '.join(request.approvers)} until {request.expires_at:%Y-%m-%d}"
    return (
        request.request_id, request.status, request.file.alert, request.file.owner, request.requested_by,
        request.reason, None if weekly is None else f"{weekly:.1f}", request.answer or waiting,
    )  # fmt: skip


def _as_json(request: DraftRequest) -> dict[str, Any]:
    return {
        "draft": request.request_id,
        "status": request.status,
        "alert": request.file.alert,
        "path": request.file.path,
        "owner": request.file.owner,
        "requested_by": request.requested_by,
        "reason": request.reason,
        "requested_at": request.requested_at,
        "expires_at": request.expires_at,
        "approvers": list(request.approvers),
        "incidents_per_week": (request.impact or {}).get("incidents_per_week"),
        "decided_by": request.decided_by,
        "decided_at": request.decided_at,
        "answer": request.answer,
        "commit": request.commit,
        "draft_hash": request.draft_hash,
    }
