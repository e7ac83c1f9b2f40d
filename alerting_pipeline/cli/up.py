"""`alerting up`: everything on the person's own configuration, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

import click

from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, progress
from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from pathlib import Path

    from alerting_pipeline.adapters.processes import Child, Children
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.ports import Progress

_START_SECONDS = 120
PORT = click.IntRange(1, 65_535)


@click.command()
@click.option("--port", default=3000, type=PORT, show_default=True, help="Port of the Dagster user interface.")
@click.option("--web-port", default=8080, type=PORT, show_default=True, help="Port of the pages and the local inbox.")
@click.option("--read-only", is_flag=True, help="The Dagster user interface shows, and starts nothing.")
@json_option
def up(port: int, web_port: int, read_only: bool, as_json: bool) -> None:
    """Start Postgres (if embedded), Dagster, delivery and the pages; serve until Ctrl-C."""
    from alerting_pipeline.adapters.processes import require_free_port
    from alerting_pipeline.app import App

    require_free_port(port, "the Dagster user interface", "--port")
    require_free_port(web_port, "the pages", "--web-port")
    with until_told_to_stop(), App.from_environment() as app:
        note_standing_clock(app.settings)
        serve(
            app, progress(quiet=as_json), (port, web_port), lambda urls: _announce(urls, as_json), read_only=read_only
        )


def serve(
    app: App,
    starting: AbstractContextManager[Progress],
    ports: tuple[int, int],
    announce: Callable[[dict[str, str]], None],
    *,
    read_only: bool,
) -> None:
    """Start every part, call `announce` with the addresses when all answer, and keep them going until interrupted.

    `starting` shows how far the start is, and is left before anything is announced. Raises AlertingError if a part
    ends by itself again and again; leaves no process behind, whichever way it ends.
    """
    from alerting_pipeline.adapters.processes import Children
    from alerting_pipeline.cli.keeping import Keeper

    gone = []
    try:
        with Children(app.settings.logs) as children:
            with starting as shown:
                addresses = _start(app, children, ports, shown, read_only=read_only)
            announce(addresses)
            keeper = Keeper(children, lambda child, times: _note_fall(app, child, times))
            while (ended := keeper.look(time.monotonic())) is None:
                time.sleep(0.2)
            gone.append(ended.name)
            raise AlertingError(f"{ended.name} ends by itself again and again: {ended.last_words()}; see {ended.log}")
    finally:
        _note_end(app, gone)


def _note_fall(app: App, child: Child, times: int) -> None:
    """A part ended by itself, and is about to be started again. From the second time on it is an incident, which the
    others tell; it ends when the part was heard of for a while.
    """
    from alerting_pipeline.app.watching import PART_OF
    from alerting_pipeline.domain.pulse import stopped

    click.echo(f"alerting: {child.name} ended by itself and is started again; see {child.log}", err=True)
    part = PART_OF.get(child.name)
    if part is None:
        return
    with suppress(Exception):  # a database that is away is no reason not to start it again
        app.pulse.falter(part)
        if times > 1:
            app.system_incidents.report(stopped(part, times))


def _note_end(app: App, gone: Sequence[str]) -> None:
    """All parts rest now: Dagster's sensors and schedules beat without knowing of their end. What ended by itself is an
    incident, and keeps its last beat: whoever starts again hears of it, and its next beat ends it.
    """
    from alerting_pipeline.app.watching import EVERY, PART_OF
    from alerting_pipeline.cli.keeping import MOST
    from alerting_pipeline.domain.pulse import stopped

    fallen = [PART_OF[name] for name in gone if name in PART_OF]
    with suppress(Exception):  # a database that is away mustn't hide why everything ends
        app.pulse.rest([part for part in EVERY if part not in fallen])
        for part in fallen:
            app.system_incidents.report(stopped(part, MOST))


def _start(app: App, children: Children, ports: tuple[int, int], shown: Progress, *, read_only: bool) -> dict[str, str]:
    """Start every part and wait until all answer; returns their addresses."""
    from alerting_pipeline.adapters.dagster_instance import prepare_instance
    from alerting_pipeline.app.watching import EVERY
    from alerting_pipeline.settings import child_environment

    shown.report("start", "database", 0, 4)
    environment = {
        **child_environment(app.settings),
        **prepare_instance(app.settings.home / "dagster", app.owner_url),
    }
    shown.report("start", "dbt project", 1, 4)
    app.dbt_project.parse()
    port, web_port = ports
    for part, every in EVERY.items():  # expected from now on: one that never comes up is noticed like one that ended
        app.pulse.beat(part, every)
    for name, arguments in _commands(app.settings.project, port, web_port, read_only=read_only).items():
        children.start(name, arguments, environment)
    addresses = {"Dagster": f"http://127.0.0.1:{port}", "inbox": f"http://127.0.0.1:{web_port}"}
    shown.report("start", "pages", 2, 4)
    _wait_for(f"{addresses['inbox']}/healthz", children)
    shown.report("start", "Dagster", 3, 4)
    _wait_for(f"{addresses['Dagster']}/server_info", children)
    shown.report("start", "ready", 4, 4)
    return addresses


def _commands(project: Path, port: int, web_port: int, *, read_only: bool) -> dict[str, list[str]]:
    """The parts, each a program of its own, in the order of their start."""
    workspace = ["-w", str(project / "workspace.yaml")]
    python = [sys.executable, "-m"]
    return {
        "web": [
            *python, "uvicorn", "--factory", "alerting_pipeline.web.server:create_app",
            "--host", "127.0.0.1", "--port", str(web_port), "--no-access-log",
        ],
        "deliver": [*python, "alerting_pipeline.cli", "deliver"],
        "dagster-daemon": [*python, "dagster._daemon", "run", *workspace],
        "dagster-webserver": [
            *python, "dagster_webserver", "--host", "127.0.0.1", "--port", str(port), *workspace,
            *(["--read-only"] if read_only else []),
        ],
    }  # fmt: skip


def _wait_for(address: str, children: Children) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(address):
        for ended in children.ended():
            raise AlertingError(f"{ended.name} did not start: {ended.last_words()}; see {ended.log}")
        if time.monotonic() > deadline:
            raise AlertingError(f"{address} did not answer within {_START_SECONDS} s; see {children.logs}")
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - an address of our own
            return answer.status == 200
    except urllib.error.HTTPError as error:
        return error.code == 503  # it answers that something is overdue, as it should be heard to
    except OSError:
        return False


@contextmanager
def until_told_to_stop() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block in an orderly way, also where a script started us with both ignored.

    While the block cleans up, further signals are ignored: a second Ctrl-C must not leave processes behind.
    """

    def stop(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def _announce(addresses: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(addresses)
        return
    for name, address in addresses.items():
        click.echo(f"{name:<8} {address}")
    click.echo("Ctrl-C stops everything.")
