"""`alerting outbox` shows what waits, was sent or is dead; `alerting deliver` hands it over."""

from __future__ import annotations

import logging
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from alerting_pipeline.cli.output import json_option, print_json, print_table, progress
from alerting_pipeline.domain.errors import AlertingError, BadCall

if TYPE_CHECKING:
    from alerting_pipeline.app import App

_GRACE_SECONDS = 2.0
_STATUSES = ("waiting", "leased", "sent", "dead", "halted", "rejected")


@click.group("outbox", invoke_without_command=True)
@json_option
@click.pass_context
def outbox(context: click.Context, as_json: bool) -> None:
    """Messages to destinations: waiting, leased to a worker, sent, or dead."""
    if context.invoked_subcommand is None:
        context.invoke(list_deliveries, as_json=as_json)
    elif as_json:
        raise BadCall(f"write --json at the end: alerting outbox {context.invoked_subcommand} --json")


@outbox.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@json_option
def list_deliveries(status: str | None = None, limit: int = 50, as_json: bool = False) -> None:
    """The newest messages, and how many there are of each kind."""
    from alerting_pipeline.app import App
    from alerting_pipeline.store.outbox import counts, listed

    with App.from_environment() as app, app.engine.connect() as connection:
        rows, numbers = listed(connection, status, limit), counts(connection)
    if as_json:
        print_json({"counts": numbers, "deliveries": rows})
        return
    columns = ("created_at", "status", "attempts", "channel", "destination", "alert", "transition", "summary", "error")
    print_table(columns, [[row[column] for column in columns] for row in rows])
    click.echo(", ".join(f"{number:,} {name}" for name, number in sorted(numbers.items()) if number) or "nothing yet")


@outbox.command("retry")
@click.argument("delivery_id", required=False)
@json_option
def retry(delivery_id: str | None, as_json: bool) -> None:
    """Make dead messages due again: all of them, or the one with DELIVERY_ID."""
    from alerting_pipeline.app import App
    from alerting_pipeline.store.outbox import retry as make_due

    if delivery_id is not None:
        try:
            uuid.UUID(delivery_id)
        except ValueError:
            raise BadCall(f'"{delivery_id}" is not a delivery id; `alerting outbox list --json` shows them') from None
    with App.from_environment() as app, app.engine.begin() as connection:
        rows = make_due(connection, delivery_id)
    if delivery_id is not None and not rows:
        raise AlertingError(f"There is no dead message {delivery_id}; `alerting outbox list --status dead` shows them")
    if as_json:
        print_json(rows)
        return
    print_table(("destination", "alert", "status"), [(row["destination"], row["alert"], row["status"]) for row in rows])
    covered = sum(row["covered_by"] is not None for row in rows)
    note = f"; {covered} of them told by a later message already" if covered else ""
    click.echo(f"{len(rows)} made due again{note}" if rows else "There are no dead messages.")


@click.command("deliver")
@click.option("--once", is_flag=True, help="Hand over what is due now, and exit; otherwise go on until Ctrl-C.")
@click.option("--name", default="", metavar="NAME", help="Of several, which one: each name is missed by itself.")
@json_option
def deliver(once: bool, name: str, as_json: bool) -> None:
    """Hand over what waits in the outbox, and what the clock makes due to incidents every few seconds. Any number of
    these may run; each message goes to one of them. Give each a name, and one that dies among others is noticed.
    """
    from alerting_pipeline.app import App
    from alerting_pipeline.app.watching import WORKER, WORKER_SECONDS
    from alerting_pipeline.store.pulse import Heart
    from alerting_pipeline.usecases.deliver import Terms

    log = logging.getLogger("alerting.deliver")
    with App.from_environment() as app, progress(quiet=as_json) as shown:
        terms = Terms(
            tell=lambda error: log.warning("delivery waits: %s", type(error).__name__),
            beat=Heart(app.pulse.beat, _named(WORKER, name), WORKER_SECONDS),
        )
        worker = app.delivery_worker(terms=terms)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: worker.stop())
        shown.report("deliver", "handing over what is due" if once else "waiting for messages; Ctrl-C ends it", 0)
        with _passing_time(app, log, name, is_repeated=not once):
            tally = worker.drain() if once else worker.run()
    if as_json:
        print_json(tally)
    else:
        again = f", {tally.possibly_twice} possibly twice" if tally.possibly_twice else ""
        click.echo(f"{tally.sent} sent, {tally.failed} to be tried again, {tally.dead} dead{again}")
    if once and tally.dead:
        raise AlertingError(f"{tally.dead} messages are dead; `alerting outbox list --status dead` says why")


def _named(part: str, name: str) -> str:
    return f"{part} {name}" if name else part


@contextmanager
def _passing_time(app: App, log: logging.Logger, name: str, *, is_repeated: bool) -> Iterator[None]:
    """Notice what time brings about, once before the block, and then beside it until it ends; then both parts rest."""
    from alerting_pipeline.app.passing_time import pass_time
    from alerting_pipeline.app.watching import TIME, WORKER, WORKER_SECONDS, OutsideWatch

    over, outside = threading.Event(), OutsideWatch(app, log.warning)
    worker, clock = _named(WORKER, name), _named(TIME, name)

    def look() -> None:
        for failure in pass_time(app, app.clock.now(), clock if is_repeated else None):
            log.warning("what is due waits: %s", failure)

    def watch() -> None:
        while not over.wait(WORKER_SECONDS):
            try:
                app.pulse.beat(clock, WORKER_SECONDS)
                look()
                outside.look()
            except Exception as error:  # the database is away: the next look tries again
                log.warning("what is due waits: %s", type(error).__name__)

    if is_repeated:  # first of all: what is about to look must not find itself silent
        for part in (worker, clock):
            app.pulse.beat(part, WORKER_SECONDS)
    look()
    thread = threading.Thread(target=watch, name="passing time", daemon=True)
    if is_repeated:
        thread.start()
    try:
        yield
    finally:
        over.set()
    if is_repeated:  # not where the block failed: that is no orderly end, and is to be noticed
        thread.join(timeout=_GRACE_SECONDS)
        try:
            app.pulse.rest([worker, clock])
        except Exception as error:  # the database is away: what was handed over is still to be said
            log.warning("the end could not be noted: %s", type(error).__name__)
