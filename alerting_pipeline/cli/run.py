"""`alerting run`: one whole pass without Dagster's daemon: load, build, evaluate, deliver."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.evaluation import NOT_BUILT
from alerting_pipeline.domain.health import ReadyModel

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.evaluation import EvaluationResult
    from alerting_pipeline.domain.letter import SendResult
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.store.overview import Pass
    from alerting_pipeline.usecases.catch_up import CatchUp
    from alerting_pipeline.usecases.check_data import DataChecker
    from alerting_pipeline.usecases.evaluate import Evaluator


@dataclass(slots=True)
class _Report:
    """What a pass came to, beside the numbers that the ledger holds."""

    bad_files: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    results: list[EvaluationResult] = field(default_factory=list)
    sent: list[SendResult] = field(default_factory=list)

    @property
    def troubles(self) -> list[str]:
        """Everything that a person has to look at, a sentence each."""
        failed = [f"{each.alert}: {each.reason}" for each in self.results if each.outcome == "system_failure"]
        unsent = [f"{each.report}: {each.reason}" for each in self.sent if each.status in ("held", "failed")]
        return [*self.bad_files, *self.refused, *self.failures, *failed, *unsent]

    @property
    def not_built(self) -> list[str]:
        """The definitions that wait for a model that was never built."""
        return [each.alert for each in self.results if each.outcome == "no_data" and NOT_BUILT in each.reason]


@click.command("run")
@click.option(
    "--select", "selection", multiple=True, metavar="NODES", help="Build only these dbt nodes, in dbt's own words."
)
@json_option
def run(selection: tuple[str, ...], as_json: bool) -> None:
    """Load what has arrived, build the dbt project, evaluate each mart as soon as its tests are done, deliver once.

    The same as Dagster's job, and it may run beside it: two builds wait for each other, and nothing is told twice.
    """
    from alerting_pipeline.app import App
    from alerting_pipeline.store.overview import mark, summarize

    with App.from_environment() as app, progress(quiet=as_json) as shown:
        note_standing_clock(app.settings)
        shown.report("start", "database", 0, None)
        before, report = mark(app.engine), _Report()
        report.bad_files = [
            f"{path} has an error; see `alerting validate`" for path in app.publish_definitions().bad_files
        ]
        _load(app, report, shown)
        models = _build_and_evaluate(app, selection, report, shown)
        _catch_up(app, report)
        shown.report("deliver", "messages", 0, None)
        app.delivery_worker().drain()
        done = replace(summarize(app.engine, before), models_built=models)
    _show(done, report, as_json)
    if report.troubles or done.failed:
        sys.exit(1)


def _load(app: App, report: _Report, shown: Progress) -> None:
    from alerting_pipeline.usecases.load import load

    for source in app.sources.chosen(()):
        result = load(source, app.source_files, app.raw_tables, shown)
        report.refused += [f"{source.name}: {problem.error}" for problem in result.problems]


def _build_and_evaluate(app: App, selection: tuple[str, ...], report: _Report, shown: Progress) -> int:
    """Build; evaluate each mart while the build goes on. Returns how many models were built."""
    from alerting_pipeline.adapters.dbt_project import build_graph
    from alerting_pipeline.domain.checked_build import CheckedBuild
    from alerting_pipeline.domain.errors import AlertingError

    shown.report("build", "dbt project", 0, None)
    evaluator, checker, is_complete = app.evaluator(), app.data_checker(), False
    if checker.needs_expectations:
        app.great_expectations.warm_up()

    def check(model: str, materialization_id: str) -> list[EvaluationResult]:
        shown.report("check", model, 0, None)
        return _check(app, checker, model, materialization_id, report)

    graph = build_graph(app.dbt_project.manifest())
    marts = frozenset(model.unique_id for model in app.catalog.marts.values())
    expected = app.dbt_project.select(selection)
    build = CheckedBuild.of(graph, expected, marts, checker.definitions, check)
    tracker, watch = build.tracker, app.build_watch(graph, expected)
    watch.begin()
    try:
        for result in app.dbt_project.build(selection):
            watch.record(result)
            for ready in build.record(result):
                shown.report("evaluate", ready.name, 0, None)
                _evaluate(app, evaluator, ready, report)
            shown.report("build", result.unique_id.split(".")[2], *tracker.models)
        watch.finish()
        is_complete = True
    except AlertingError as error:
        report.failures.append(str(error))
    for ready in build.finish(is_complete=is_complete):
        _evaluate(app, evaluator, ready, report)
    report.failures += tracker.failed
    return tracker.models[0]


def _check(
    app: App, checker: DataChecker, model: str, materialization_id: str, report: _Report
) -> list[EvaluationResult]:
    """Check the data of one model. What goes wrong with it is reported, and counts as data that can't be believed."""
    from alerting_pipeline.domain.evaluation import Order

    try:
        found = checker.of_model(model, Order(materialization_id, app.clock.now()))
    except Exception as error:
        report.failures.append(f"the data of {model} could not be checked ({type(error).__name__}): {error}")
        return []
    report.results += found
    return found


def _evaluate(app: App, evaluator: Evaluator, ready: ReadyModel, report: _Report) -> None:
    """Evaluate one mart. What goes wrong with it is reported, and keeps no other mart from being evaluated."""
    from alerting_pipeline.domain.evaluation import Health, Order

    try:
        app.mart_health.note(ready)
        order = Order(ready.materialization_id, app.clock.now(), Health(ready.failures))
        report.results += evaluator.of_model(ready.name, order)
    except Exception as error:
        report.failures.append(f"{ready.name} could not be evaluated ({type(error).__name__}): {error}")


def _catch_up(app: App, report: _Report) -> None:
    """What became due by the clock, for those who run this from cron and have no daemon."""
    from alerting_pipeline.app.passing_time import pass_time

    now, work = app.clock.now(), _due_work(app)
    work.note_windows(now)
    report.failures += work.work_off(now, "run", report.results.extend)
    report.failures += work.send_reports(now, "run", report.sent.append)
    report.failures += pass_time(app, now)


def _due_work(app: App) -> CatchUp:
    from alerting_pipeline.usecases.catch_up import CatchUp

    return CatchUp(
        app.due_work, app.evaluator(), app.mart_health, app.report_sender(), app.data_checker(), app.tuned_alerts
    )


def _show(done: Pass, report: _Report, as_json: bool) -> None:
    numbers: dict[str, Any] = asdict(done)
    if as_json:
        print_json(
            {
                **numbers,
                "evaluations": report.results,
                "reports": report.sent,
                "not_built": report.not_built,
                "troubles": report.troubles,
            }
        )
        return
    rows = [
        [
            each.alert,
            each.outcome.value,
            each.violations,
            each.opened,
            each.cleared + each.withdrawn,
            each.held,
            each.reason,
        ]
        for each in report.results
        if each.alert not in report.not_built
    ]
    print_table(["alert", "outcome", "violations", "opened", "ended", "held", "reason"], rows)
    columns = ("rows_loaded", "models_built", "definitions_evaluated", "fired", "deduped", "sent", "failed")
    click.echo()
    print_table([name.replace("_", " ") for name in columns], [[numbers[name] for name in columns]])
    if waiting := report.not_built:
        click.echo(f"\nWaiting for models that were never built: {', '.join(waiting)}.")
    for trouble in report.troubles:
        click.echo(f"alerting: {trouble}", err=True)
