"""`alerting evaluate` evaluates now; `alerting test` runs the cases of definitions on the real engine."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.bad_files import refuse_bad
from alerting_pipeline.cli.moment import moment
from alerting_pipeline.cli.output import count, json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.evaluation import EvaluationResult, Health
    from alerting_pipeline.domain.report import ReportDefinition
    from alerting_pipeline.usecases.preview_rows import DestinationPreview

_COLUMNS = (
    "alert", "outcome", "violations", "opened", "updated", "cleared", "withdrawn", "held", "null rows", "reason",
)  # fmt: skip


_SHOWN_ROWS = 10


@click.command("evaluate")
@click.argument("names", nargs=-1)
@click.option("--as-of", "as_of", metavar="T", help="The instant that counts as now, such as 2026-01-05T05:00:00Z.")
@click.option(
    "--dry-run",
    "is_dry_run",
    is_flag=True,
    help="Say what would fire and which rows would be written; write and send nothing.",
)
@json_option
def evaluate(names: tuple[str, ...], as_of: str | None, is_dry_run: bool, as_json: bool) -> None:
    """Evaluate all alert and data definitions, or those NAMED, against what their models hold now; definition files
    take effect first. Data come first, because alerts are held by data that can't be believed. A dry run evaluates
    the files as they are.

    Exit code 1 says that a definition could not be evaluated, or that its data can't be believed.
    """
    from alerting_pipeline.domain.evaluation import Order
    from alerting_pipeline.usecases.preview_rows import preview_rows

    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        shown.report("evaluate", "definition files", 0)
        instant = moment(as_of, "--as-of") if as_of else app.clock.now()
        if is_dry_run:
            loaded = app.loaded_definitions
            evaluator, checker = app.evaluator(loaded.alerts), app.data_checker(loaded.data, loaded.alerts)
        else:
            app.publish_definitions()
            loaded = app.loaded_definitions
            evaluator, checker = app.evaluator(), app.data_checker()
        refuse_bad(loaded, names, {*checker.definitions, *evaluator.definitions})
        chosen = names or (*checker.definitions, *evaluator.definitions)
        shown.report("evaluate", f"{len(chosen)} definitions", 0)
        of_data = [name for name in chosen if name in checker.definitions]
        results: list[EvaluationResult] = []
        results += checker.evaluate(of_data, Order(f"manual:{uuid.uuid4()}", instant), is_dry_run=is_dry_run)
        others = [name for name in chosen if name not in checker.definitions]
        for health, alerts in _by_health(app, evaluator.definitions, others):
            order = Order(f"manual:{uuid.uuid4()}", instant, health)
            results += evaluator.evaluate(alerts, order, is_dry_run=is_dry_run)
        rows = preview_rows(evaluator.ledger.rehearsed, app.channel_named)
    if as_json:
        shown_rows = {"rows": rows} if is_dry_run else {}
        print_json({"as_of": instant, "dry_run": is_dry_run, "evaluations": results, **shown_rows})
    else:
        _print_results(results, is_dry_run, rows)
    sys.exit(0 if all(result.outcome.is_judgement for result in results) else 1)


@click.command("test")
@click.argument("names", nargs=-1)
@json_option
def test(names: tuple[str, ...], as_json: bool) -> None:
    """Run the cases of all definitions, or of those NAMED, through the production query on the real engine.

    Cases use the parameter values of the files; nothing that they do is kept.
    """
    from alerting_pipeline.domain.report import ReportDefinition

    with App.from_environment() as app, progress(as_json) as shown:
        shown.report("test", "definition files", 0)
        loaded = app.loaded_definitions
        refuse_bad(loaded, names, loaded.definitions)
        chosen = _chosen(names, {**loaded.alerts, **loaded.data, **loaded.reports})
        results = app.rehearse([each for each in chosen if isinstance(each, AlertDefinition)], shown)
        results += app.rehearse_reports([each for each in chosen if isinstance(each, ReportDefinition)], shown)
        results += app.rehearse_data([each for each in chosen if isinstance(each, DataDefinition)], shown)
    failed = [result for result in results if not result.is_passed]
    without = [definition.name for definition in chosen if not definition.cases]
    if as_json:
        summary = {"cases": len(results), "failed": len(failed), "without_cases": without}
        print_json({**summary, "results": results, "bad_files": sorted(loaded.bad_files)})
    else:
        for result in failed:
            for difference in result.differences:
                click.echo(f'{result.path}: {result.alert}, case "{result.case}": {difference}')
        for path in sorted(loaded.bad_files):
            click.echo(f"{path}: has an error, so that its cases did not run; `alerting validate` names it")
        if without:
            click.echo(f"without cases: {', '.join(without)}")
        cases, tried = count(len(results), "case"), count(len(chosen) - len(without), "definition")
        click.echo(f"{cases} of {tried}, {len(failed)} failed")
    sys.exit(1 if failed or (loaded.bad_files and not names) else 0)


def _by_health(
    app: App, definitions: Mapping[str, AlertDefinition], names: Sequence[str]
) -> list[tuple[Health, list[str]]]:
    """The alerts, together where the last build said the same of what they read; unknown names are left to evaluate."""
    from alerting_pipeline.domain.evaluation import HEALTHY
    from alerting_pipeline.domain.relation import models_read

    groups: dict[Health, list[str]] = {}
    for name in names:
        health = app.mart_health.of(models_read(definitions[name])) if name in definitions else HEALTHY
        groups.setdefault(health, []).append(name)
    return list(groups.items())


def _chosen(
    names: Sequence[str], alerts: Mapping[str, OfIncidents | ReportDefinition]
) -> list[OfIncidents | ReportDefinition]:
    import difflib

    for name in names:
        if name not in alerts:
            near = difflib.get_close_matches(name, alerts, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else "; `alerting validate` lists what is wrong"
            raise BadCall(f'"{name}" is not an alert, data or report definition{hint}')
    return [alerts[name] for name in names or sorted(alerts)]


def _print_results(
    results: Sequence[EvaluationResult], is_dry_run: bool, previews: Sequence[DestinationPreview]
) -> None:
    print_table(_COLUMNS, [_line(result) for result in results])
    if is_dry_run:
        for result in results:
            if result.sample:
                columns = list(dict.fromkeys(name for row in result.sample for name in row))
                rows = [[_cell(row.get(name)) for name in columns] for row in result.sample]
                several = f"the worst {len(rows)} of {result.violations:,}"
                shown = several if result.violations else "what was looked at"
                print_table(columns, rows, title=f"\n{result.alert}: {shown}")
        _print_rows(previews)
        click.echo("Nothing was written or sent.")
        return
    opened = sum(result.opened for result in results)
    click.echo(f"{len(results)} evaluated, {opened} opened; `alerting incidents` shows what is open")


def _print_rows(previews: Sequence[DestinationPreview]) -> None:
    for preview in previews:
        halted = f"; {preview.halted:,} of them would wait for approval" if preview.halted else ""
        said = preview.failure or f"{count(len(preview.rows), 'row')} would be written{halted}"
        rows = [(row.alert, row.change) for row in preview.rows[:_SHOWN_ROWS]]
        print_table(("alert", "row"), rows, title=f"\n{preview.destination}: {said}")


def _line(result: EvaluationResult) -> tuple[Any, ...]:
    took_default = f"; {result.unknown_segments:,} took the default" if result.unknown_segments else ""
    return (
        result.alert, result.outcome, result.violations, result.opened, result.updated, result.cleared,
        result.withdrawn, result.held, result.null_rows, result.error or f"{result.reason}{took_default}",
    )  # fmt: skip


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | None) else str(value)
