"""`alerting doctor`: what is configured, reachable, overdue. The checks only look."""

from __future__ import annotations

import smtplib
import sys
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.output import json_option, print_json, print_table
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.usecases.examine import Check, Health, examine

_LOOK_SECONDS = 5.0
_SIGNS = {Health.FINE: "✓", Health.NOTE: "·", Health.FAILURE: "✗"}


@click.command()
@click.option(
    "--sandbox-sql", is_flag=True, help="Print the SQL with which an administrator closes what the sandbox lacks."
)
@click.option("--rest", "part", metavar="PART", help="Expect this part no longer, until it is heard of again.")
@json_option
def doctor(sandbox_sql: bool, part: str | None, as_json: bool) -> None:
    """What is configured, reachable, overdue. Exit code 1 if something isn't working."""
    with App.from_environment() as app:
        if part is not None:
            _let_rest(app, part)
        if sandbox_sql:
            click.echo(app.sandbox_script, nl=False)
            return
        findings = examine(_checks(app))
    if as_json:
        print_json({"findings": findings, "healthy": all(f.health is not Health.FAILURE for f in findings)})
    else:
        print_table(
            ["", "part", "says", "what to do"], [(_SIGNS[f.health], f.part, f.says, f.remedy) for f in findings]
        )
    if any(finding.health is Health.FAILURE for finding in findings):
        sys.exit(1)


def _let_rest(app: App, part: str) -> None:
    """For what was stopped where nobody could say so, such as a daemon of one's own, or is not there any more."""
    if part not in (known := [beat.part for beat in app.pulse.beats()]):
        raise AlertingError(f'no part "{part}" was ever heard of; there are: {", ".join(known) or "none"}')
    app.pulse.rest([part])


def _checks(app: App) -> dict[str, Check]:
    return {
        "home": partial(_home, app),
        "clock": partial(_clock, app),
        "database": partial(_database, app),
        "sandbox": partial(_sandbox, app),
        "dbt project": partial(_dbt, app),
        "definitions": partial(_definitions, app),
        "pauses": partial(_pauses, app),
        "evaluation": partial(_evaluation, app),
        "delivery": partial(_delivery, app),
        "parts": partial(_parts, app),
        "outside watcher": partial(_outside, app),
        "slack": partial(_slack, app),
        "e-mail": partial(_mail, app),
        "secrets": partial(_secrets, app),
        "write-back": partial(_write_back, app),
    }


def _home(app: App) -> tuple[Health, str, str]:
    app.settings.home.mkdir(parents=True, exist_ok=True)
    return Health.FINE, str(app.settings.home), ""


def _clock(app: App) -> tuple[Health, str, str]:
    instant = app.settings.as_of
    if instant is None:
        return Health.FINE, "now is the database's clock", ""
    says = f"now always is {instant:%Y-%m-%d %H:%M} UTC (the sample company's instant)"
    return Health.NOTE, says, f"remove {app.settings.standing_clock} or unset ALERTING_AS_OF to go on with real time"


def _database(app: App) -> tuple[Health, str, str]:
    from sqlalchemy import text

    where = "embedded" if app.settings.uses_embedded_postgres else "ALERTING_DATABASE_URL"
    with app.engine.connect() as connection:
        version = connection.execute(text("show server_version")).scalar_one()
    return Health.FINE, f"{where}, Postgres {version}, at this program's version", ""


def _sandbox(app: App) -> tuple[Health, str, str]:
    lacking = app.sandbox_findings
    if lacking:
        return (
            Health.NOTE,
            f"fences that this server lacks: {'; '.join(lacking)}",
            "see docs/reliability.md, the sandbox",
        )
    return Health.FINE, "alert SQL reads marts and parameter values, and nothing else", ""


def _dbt(app: App) -> tuple[Health, str, str]:
    return Health.FINE, f"{len(app.catalog.models)} models that definitions may read", ""


def _definitions(app: App) -> tuple[Health, str, str]:
    loaded = app.loaded_definitions
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    if errors:
        return Health.FAILURE, f"{len(errors)} errors; the first: {errors[0]}", "`alerting validate` lists them"
    return Health.FINE, f"{len(loaded.definitions)} definitions in {app.settings.definitions.name}/", ""


def _pauses(app: App) -> tuple[Health, str, str]:
    """What is deliberately not evaluated: nothing stops unknown to people."""
    now = app.clock.now()
    paused = [each for each in app.definition_ledger.in_force().definitions.values() if each.is_paused(now)]
    if not paused:
        return Health.FINE, "no definition is paused", ""
    said = [f"{each.name} until {each.pause.until} ({each.pause.reason})" for each in paused if each.pause]
    return Health.NOTE, f"paused: {', '.join(said)}", "remove pause: from a file to evaluate it again before that"


def _evaluation(app: App) -> tuple[Health, str, str]:
    from alerting_pipeline.store.overview import standing

    state = standing(app.engine)
    if state.failing_definitions:
        return Health.FAILURE, f"failing: {', '.join(state.failing_definitions)}", "`alerting evaluate NAME` shows why"
    if state.newest_evaluation_seconds is None:
        return Health.NOTE, "nothing was ever evaluated", "`alerting run`"
    if state.unbuilt_definitions:
        says = f"waiting for models that were never built: {', '.join(state.unbuilt_definitions)}"
        return Health.NOTE, says, "`alerting run` builds them"
    late = app.late_evaluations.of(app.definition_ledger.in_force(), app.clock.now())
    if late:
        says = "; ".join(each.finding.summary for each in late)
        return Health.FAILURE, says, "`alerting doctor` again once schedules run; `alerting evaluate NAME` meanwhile"
    kinds = ", ".join(f"{count} {kind}" for kind, count in state.open_incidents.items()) or "no"
    return Health.FINE, f"last one {_ago(state.newest_evaluation_seconds)}; {kinds} open incidents", ""


def _delivery(app: App) -> tuple[Health, str, str]:
    from alerting_pipeline.store.overview import standing

    state = standing(app.engine)
    if state.dead_deliveries:
        return Health.FAILURE, f"{state.dead_deliveries} dead deliveries", "`alerting outbox list`, then `outbox retry`"
    if state.oldest_due_seconds is not None and state.oldest_due_seconds > 120:
        says = f"{state.waiting_deliveries} waiting, the oldest due {_ago(state.oldest_due_seconds)}"
        return Health.FAILURE, says, "start a worker: `alerting up` or `alerting deliver`"
    return Health.FINE, f"{state.waiting_deliveries} waiting, none overdue", ""


def _parts(app: App) -> tuple[Health, str, str]:
    """Who is heard of. Nobody is expected where none ever ran."""
    beats = app.pulse.beats()
    if overdue := [beat.finding.summary for beat in beats if beat.is_overdue]:
        return Health.FAILURE, "; ".join(overdue), "start them again: `alerting up` or `alerting deliver`"
    running = [beat.part for beat in beats if not beat.is_resting]
    if not running:
        return Health.NOTE, "none runs", "`alerting up` starts all of them"
    return Health.FINE, f"heard of: {', '.join(running)}", ""


def _outside(app: App) -> tuple[Health, str, str]:
    """The dead man's switch. What it was told last is shown, its address never."""
    if app.settings.deadman_url is None:
        return Health.NOTE, "not configured: nobody outside notices when all stops", "set ALERTING_DEADMAN_URL"
    last = app.pulse.last_ping()
    if last is None:
        return Health.NOTE, "was never called", "the delivery worker calls it while nothing is overdue"
    at, failure = last
    if failure is not None:
        return Health.FAILURE, f"was not reached at {at:%Y-%m-%d %H:%M} UTC: {failure}", "check ALERTING_DEADMAN_URL"
    return Health.FINE, f"was last called at {at:%Y-%m-%d %H:%M} UTC", ""


def _slack(app: App) -> tuple[Health, str, str]:
    token = app.settings.slack_bot_token
    if token is None:
        return Health.NOTE, "not configured: messages go to the local inbox", "set SLACK_BOT_TOKEN"
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackClientError

    base = f"{app.settings.slack_api_url}/" if app.settings.slack_api_url else WebClient.BASE_URL
    try:
        answer = WebClient(token.get_secret_value(), base_url=base, timeout=int(_LOOK_SECONDS)).auth_test()
    except (SlackClientError, OSError) as error:
        raise AlertingError(f"Slack does not accept us ({type(error).__name__}); check SLACK_BOT_TOKEN") from error
    return Health.FINE, f"signed in to {answer.get('team', 'Slack')} as {answer.get('user', 'a bot')}", ""


def _secrets(app: App) -> tuple[Health, str, str]:
    """The variables that destinations name: without one of them, messages go to the local inbox."""
    from alerting_pipeline.settings import read_secret

    named = {
        name: destination.name
        for destination in app.loaded_definitions.destinations.values()
        for key, value in destination.settings.items()
        if key.endswith("_env")
        for name in ([value] if isinstance(value, str) else value)
    }
    missing = {name: destination for name, destination in named.items() if read_secret(name) is None}
    if missing:
        told = ", ".join(f"{name} ({destination})" for name, destination in missing.items())
        return Health.NOTE, f"not set: {told}; their messages go to the local inbox", "set it, or NAME_FILE"
    return Health.FINE, f"all {len(named)} that destinations name are set" if named else "no destination names any", ""


def _write_back(app: App) -> tuple[Health, str, str]:
    waiting = app.write_runs.listed()
    if waiting:
        told = ", ".join(f"{run['alert']} → {run['destination']} ({run['rows']:,} rows)" for run in waiting[:5])
        return Health.FAILURE, f"{len(waiting)} runs wait for approval: {told}", "`alerting write-back`"
    return Health.FINE, "no run waits for approval", ""


def _mail(app: App) -> tuple[Health, str, str]:
    if app.settings.smtp_url is None:
        return Health.NOTE, "not configured: mails go to the local inbox", "set ALERTING_SMTP_URL"
    parts = urlsplit(app.settings.smtp_url.get_secret_value())
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    port = parts.port or (465 if parts.scheme == "smtps" else 25)
    try:
        with kind(parts.hostname or "", port, timeout=_LOOK_SECONDS) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        raise AlertingError(f"{parts.hostname}:{port} does not answer ({type(error).__name__})") from error
    return Health.FINE, f"{parts.hostname}:{port} answers", ""


def _ago(seconds: float) -> str:
    whole = timedelta(seconds=round(seconds))
    return f"{whole} ago" if whole >= timedelta(seconds=1) else "just now"
