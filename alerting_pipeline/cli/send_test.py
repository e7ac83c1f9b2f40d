"""`alerting send-test`: does the way to a destination work, without waiting for a real alert?"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from uuid import uuid4

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.nearest import did_you_mean


@click.command("send-test")
@click.argument("destination")
@json_option
def send_test(destination: str, as_json: bool) -> None:
    """Send a message that is marked as a test to DESTINATION, through its real channel.

    No incident, no row of the outbox and no other state comes of it. A sheet, a table and a file show the row that they
    would take, and keep nothing; a ticket and a page are taken back at once. Exit code 1 if it is refused, with the
    reason.
    """
    from alerting_pipeline.domain.ports import Undelivered
    from alerting_pipeline.usecases.try_out import Trial, try_out

    with App.from_environment() as app:
        known = app.destination(destination)
        if known is None:
            names = list(app.loaded_definitions.destinations)
            hint = did_you_mean(destination, names) or f"it has {', '.join(sorted(names))}"
            raise BadCall(f'"{destination}" is not in destinations.yaml; {hint}')
        trial = Trial(getpass.getuser(), datetime.now(UTC), uuid4())
        try:
            tried = try_out(known, app.channel_of(known), trial)
        except Undelivered as error:
            raise AlertingError(f"{destination} ({known.channel}) refused the test message: {error.reason}") from None
    if as_json:
        print_json(tried)
        return
    click.echo(f"{tried.destination} ({tried.channel}) {tried.says}")
    shown = dict(tried.receipt.get("would_write") or {})
    if shown:
        print_table(("column", "value"), [(name, str(value)) for name, value in shown.items() if value is not None])
