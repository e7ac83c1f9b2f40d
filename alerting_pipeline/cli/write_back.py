"""`alerting write-back`: rows that wait for approval, rows that were written, and putting them back as they were."""

from __future__ import annotations

import getpass

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
