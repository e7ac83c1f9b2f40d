"""What is due by the clock: definitions with a cron trigger, and what time alone changes.

A schedule's tick only starts the job that does due work. What is due is counted from the last window that was done, so
that a tick which comes twice does nothing and one that never came is made up for by the next.
"""

# No postponed annotations here: Dagster checks the type of `context` itself.
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.app.passing_time import pass_time
from alerting_pipeline.app.watching import CLOCK, beat
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.data import Inspection
from alerting_pipeline.defs.evaluation import Evaluation
from alerting_pipeline.defs.keys import DUE_JOB
from alerting_pipeline.defs.reports import sent_event
from alerting_pipeline.domain.evaluation import EvaluationResult
from alerting_pipeline.domain.window import CLOCK_MINUTES
from alerting_pipeline.usecases.catch_up import CatchUp

_EVERY_QUARTER = f"*/{CLOCK_MINUTES} * * * *"


def schedule_definitions(blueprint: Blueprint) -> dg.Definitions:
    """The job for due work, the clock, and one schedule per distinct cron trigger."""

    @dg.op(description="Windows of schedules, reports, what time alone changes, and materializations from elsewhere.")
    def evaluate_due(context: dg.OpExecutionContext) -> None:
        with App.from_environment() as app:
            beat(app, CLOCK)
            evaluation, now = Evaluation.begin(context, app), app.clock.now()
            inspection = Inspection.begin(context, app, is_due=False)
            work = CatchUp(
                app.due_work, evaluation.evaluator, app.mart_health, app.report_sender(), inspection.checker,
                app.tuned_alerts,
            )  # fmt: skip

            def tell(results: Sequence[EvaluationResult]) -> None:
                of_data = inspection.tell(results)
                evaluation.tell([each for each in results if each not in of_data])

            work.note_windows(now)
            failures = work.work_off(now, context.run.run_id, tell)
            failures += work.send_reports(now, context.run.run_id, lambda result: context.log_event(sent_event(result)))
            failures += pass_time(app, now, CLOCK)
        if failures:
            raise dg.Failure(f"not everything that is due could be evaluated: {'; '.join(failures)}")

    @dg.job(name=DUE_JOB, executor_def=dg.in_process_executor, description="Evaluate what is due, each window once.")
    def due_evaluations() -> None:
        evaluate_due()

    triggers = {
        (definition.trigger.cron, definition.trigger.timezone)
        for definition in (*blueprint.alerts.values(), *blueprint.reports.values())
        if definition.trigger.cron is not None
    }
    schedules = [_schedule("clock", _EVERY_QUARTER, "UTC", due_evaluations)]
    schedules += [
        _schedule(f"cron_{_slug(cron, timezone)}", cron, timezone, due_evaluations)
        for cron, timezone in sorted(triggers)
    ]
    return dg.Definitions(jobs=[due_evaluations], schedules=schedules)


def _schedule(name: str, cron: str, timezone: str, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=(context.scheduled_execution_time or datetime.now(UTC)).isoformat())

    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        execution_fn=request,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Starts the evaluation of what is due ({cron}, {timezone}).",
    )


def _slug(cron: str, timezone: str) -> str:
    """A name that Dagster takes; the fields stay told apart."""
    text = f"{cron} {timezone}".replace("*", "x").replace("/", "_per_").replace(",", "_and_").replace("-", "_to_")
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
