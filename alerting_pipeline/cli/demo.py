"""`alerting demo`: the sample company end to end, then what was planted held against what was alerted."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table, progress
from alerting_pipeline.cli.up import PORT, serve, until_told_to_stop
from alerting_pipeline.demo.calendar import AS_OF, DEFAULT_DAYS
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.settings import Settings, child_environment, read_settings

if TYPE_CHECKING:
    from alerting_pipeline.adapters.processes import Child, Children
    from alerting_pipeline.demo.generate import Summary
    from alerting_pipeline.demo.morning import Scene
    from alerting_pipeline.demo.reckoning import Reckoning
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.store.overview import Pass

_PASS_SECONDS = 1_800
_DELIVERY_SECONDS = 60
_MOST_DAYS = 730


@click.command()
@click.option("--once", is_flag=True, help="Exit when the pass is done, instead of serving until Ctrl-C.")
@click.option(
    "--days", default=DEFAULT_DAYS, show_default=True, help="Days of ordinary traffic; the story is the same."
)
@click.option("--port", default=3000, type=PORT, show_default=True, help="Port of the Dagster user interface.")
@click.option("--web-port", default=8080, type=PORT, show_default=True, help="Port of the local inbox.")
@json_option
def demo(once: bool, days: int, port: int, web_port: int, as_json: bool) -> None:
    """The sample company: its files arrive, marts are built, alerts are evaluated, messages go out.

    Its data are made up and lie in the home beside what it produces. Its business stands at one instant, so that a
    second run finds nothing new.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise BadCall(f"--days {days} is out of bounds; give 1 to {_MOST_DAYS}")
    if not once:
        _require_free_ports(port, web_port)
    settings = _settle(read_settings())
    is_good = False  # as long as it isn't known, a pass that is stopped included
    with until_told_to_stop(), App(settings) as app:
        # Bars are ended before anything is printed below them: they would be drawn over it again and again.
        with progress(quiet=as_json) as shown:
            shown.report("generate", "the sample company", 0, 1)
            made = _generate(settings, days)
            shown.report("generate", f"{sum(made.files.values())} files", 1, 1)
            done, reckoning, seen = _one_pass(app, shown)
        is_good = reckoning.is_perfect and done.failed == 0 and done.waiting == 0
        _show(made, (done, reckoning, seen), as_json, settings)
        if not once:
            serve(app, progress(quiet=as_json), (port, web_port), _say_where, read_only=False)
    if once and not is_good:
        sys.exit(1)


def _settle(settings: Settings) -> Settings:
    """The sample company lives at a fixed instant: the home's clock stands there from now on."""
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.standing_clock.write_text(f"{AS_OF.isoformat()}\n", encoding="utf-8")
    return settings.model_copy(update={"as_of": AS_OF})


def _generate(settings: Settings, days: int) -> Summary:
    from alerting_pipeline.demo.generate import generate

    return generate(settings.landing, _labels(settings), days)


def _labels(settings: Settings) -> Path:
    return settings.home / "demo" / "labels.jsonl"


def _one_pass(app: App, shown: Progress) -> tuple[Pass, Reckoning, list[Scene]]:
    """Run Dagster's job in a process of its own, with a delivery worker beside it; return what came of it."""
    from alerting_pipeline.adapters.dagster_instance import prepare_instance
    from alerting_pipeline.adapters.processes import Children
    from alerting_pipeline.demo import morning
    from alerting_pipeline.store.overview import mark, summarize

    shown.report("start", "database", 0, 2)
    environment = {
        **child_environment(app.settings),
        **prepare_instance(app.settings.home / "dagster", app.owner_url),
    }
    before = mark(app.engine)
    shown.report("start", "dbt project", 1, 2)
    app.dbt_project.parse()
    shown.report("start", "Dagster run", 2, 2)
    python = [sys.executable, "-m"]
    job = [*python, "dagster", "job", "execute", "-m", "alerting_pipeline.definitions", "-j", "pipeline"]
    with _resting(app), Children(app.settings.logs) as children:
        children.start("deliver", [*python, "alerting_pipeline.cli", "deliver"], environment)
        run = children.start("demo-run", job, environment)
        _follow(app, run.process, before.progress, shown)
        if run.process.returncode != 0:
            raise AlertingError(f"the Dagster run failed: {_reason(run)}; see {run.log}")
        _send_reports(app, shown)
        shown.report("morning", "what people do until eight o'clock", 0, None)
        morning.spend(app)
        _wait_for_outbox(app, before.delivery, children, shown)
    return summarize(app.engine, before), _reckon(app), morning.scenes(app)


@contextmanager
def _resting(app: App) -> Iterator[None]:
    """A pass has no part that is missed before or after it, however the last one, or its worker, was ended."""
    from alerting_pipeline.app.watching import EVERY

    app.pulse.rest(EVERY)
    try:
        yield
    finally:
        app.pulse.rest(EVERY)


def _follow(app: App, run: subprocess.Popen[bytes], after: int, shown: Progress) -> None:
    """Show the run's own reports until it ends."""
    from alerting_pipeline.store.progress import relay

    deadline = time.monotonic() + _PASS_SECONDS
    while True:
        ended = run.poll() is not None
        after = relay(app.engine, after, shown)
        if ended:
            return
        if time.monotonic() > deadline:
            raise AlertingError(
                f"the Dagster run took longer than {_PASS_SECONDS // 60} minutes; see {app.settings.logs}"
            )
        time.sleep(0.3)


def _send_reports(app: App, shown: Progress) -> None:
    """The current window of every report. In the company's standing clock no schedule ever comes by."""
    sender, now = app.report_sender(), app.clock.now()
    for number, report in enumerate(sender.definitions, 1):
        shown.report("reports", report, number, len(sender.definitions))
        result = sender.send(report, now)
        if result is not None and result.status == "failed":
            raise AlertingError(f"{report} could not be sent: {result.reason}")


def _reason(run: Child) -> str:
    """What Dagster's log gives as the reason, without its stack traces."""
    said = [
        line for line in run.log.read_text(errors="replace").splitlines() if "Failure: " in line or "Error: " in line
    ]
    return said[-2 if len(said) > 1 else -1].strip() if said else run.last_words()


def _wait_for_outbox(app: App, after: int, children: Children, shown: Progress) -> None:
    """Wait until the worker has handed over what the pass wrote; not for ever: a sink may be down."""
    from alerting_pipeline.store.overview import outbox_since

    deadline = time.monotonic() + _DELIVERY_SECONDS
    while True:
        total, settled = outbox_since(app.engine, after)
        shown.report("deliver", "messages", settled, total)
        worker_ended = any(child.name == "deliver" and child.has_ended for child in children.started)
        if settled == total or worker_ended or time.monotonic() > deadline:
            return
        time.sleep(0.2)


def _reckon(app: App) -> Reckoning:
    from alerting_pipeline.demo import labels
    from alerting_pipeline.demo.reckoning import Raised, reckon
    from alerting_pipeline.store.overview import raised

    told = [Raised(each["alert"], each["entity"], frozenset(each["told"])) for each in raised(app.engine)]
    return reckon(labels.read(_labels(app.settings)), told)


def _show(made: Summary, came: tuple[Pass, Reckoning, list[Scene]], as_json: bool, settings: Settings) -> None:
    from alerting_pipeline.demo.reckoning import LEGEND, ROW_COLUMNS

    done, reckoning, scenes = came
    if as_json:
        print_json({"generated": made, "pass": done, "reckoning": reckoning.as_dict(), "morning": scenes})
        return
    numbers: dict[str, Any] = asdict(done)
    columns = ("rows_loaded", "models_built", "definitions_evaluated", "fired", "deduped", "sent", "failed")
    click.echo()
    print_table([name.replace("_", " ") for name in columns], [[numbers[name] for name in columns]], "This pass")
    click.echo()
    print_table(
        ROW_COLUMNS, reckoning.rows(), "The reckoning: what was planted, and what was alerted since the first run"
    )
    click.echo(LEGEND)
    for case in reckoning.wrong:
        click.echo(f"  {case.sentence}")
    click.echo("\nThe morning, until eight o'clock: what people and the hours made of it, and where it shows")
    for scene in scenes:
        click.echo(f"  {scene.name:<14} {scene.what}\n{'':<17}{scene.command}")
    click.echo(f"""
{_where_messages_went(settings)}

What to look at next (after `source .venv/bin/activate`)
  alerting incidents list                        what was found
  alerting show large_transaction --resolved     a definition, each value with its origin
  alerting route large_transaction --severity critical
  alerting sql "select * from alerting.deliveries"
  {settings.sheets / "fraud_review.xlsx"}""")


def _where_messages_went(settings: Settings) -> str:
    absent = [
        name for name, value in (("Slack", settings.slack_bot_token), ("e-mail", settings.smtp_url)) if value is None
    ]
    if not absent:
        return "Messages went to Slack and by e-mail, rows to sheets and tables."
    missing = " and no ".join(absent)
    return f"No {missing} is configured: what would have gone there lies in the local inbox, {settings.inbox}"


def _require_free_ports(port: int, web_port: int) -> None:
    from alerting_pipeline.adapters.processes import require_free_port

    require_free_port(port, "the Dagster user interface", "--port")
    require_free_port(web_port, "the pages", "--web-port")


def _say_where(addresses: dict[str, str]) -> None:
    click.echo()
    for name, address in addresses.items():
        click.echo(f"{name:<8} {address}")
    click.echo("Ctrl-C stops everything.")
