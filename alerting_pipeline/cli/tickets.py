"""`alerting tickets`: which incident has which ticket, and what people did with them."""

from __future__ import annotations

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import count, json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall


@click.group("tickets", invoke_without_command=True)
@json_option
@click.pass_context
def tickets(context: click.Context, as_json: bool) -> None:
    """Tickets in GitHub and Jira: one per incident and destination."""
    if context.invoked_subcommand is None:
        context.invoke(list_tickets, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting tickets {context.invoked_subcommand} --json")


@tickets.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@json_option
def list_tickets(limit: int = 50, as_json: bool = False) -> None:
    """The newest tickets, with their incidents."""
    with App.from_environment() as app:
        rows = app.ticket_book.listed(limit)
    if as_json:
        print_json(rows)
        return
    columns = ("made_at", "destination", "ticket", "incident_id", "url")
    print_table(columns, [[row[column] for column in columns] for row in rows])
    click.echo(count(len(rows), "ticket") if rows else "nothing yet")


@tickets.command("read")
@json_option
def read(as_json: bool) -> None:
    """Read now, where it is due, what people did: a closed ticket resolves its incident, an assigned one takes it.

    `alerting up` and `alerting deliver` do it by themselves.
    """
    from alerting_pipeline.usecases.read_tickets import read_tickets

    with App.from_environment() as app:
        found = read_tickets(app.ticket_queues, app.ticket_book, app.incident_desk, app.clock.now())
    if as_json:
        print_json(found)
    else:
        rows = [(each.destination, len(each.resolved), len(each.acknowledged), each.failure) for each in found]
        print_table(("destination", "resolved", "acknowledged", "failure"), rows)
        click.echo(count(len(found), "destination") + " read" if found else "none is due")
    if failures := [each for each in found if each.failure]:
        raise AlertingError(f"{failures[0].destination} can't be read: {failures[0].failure}")
