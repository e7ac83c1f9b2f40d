"""What sets runs going: files that arrived, materializations from elsewhere, and runs that failed.

Three sensors whatever the number of alerts (200 sensors would take 45 s a round, one after the other), beside the one
for the outbox. Each is harmless when repeated or missed: what is to be done is found in the files, in Dagster's event
log or in the ledger, and is noted there under a key; a sensor's cursor only spares it work.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.app.watching import beat
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.data import data_check_keys
from alerting_pipeline.defs.foreign import foreign_materializations
from alerting_pipeline.defs.keys import DUE_JOB, PIPELINE_JOB, TOLD, model_key, raw_key
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.window import MATERIALIZATION, TUNED, DueWork
from alerting_pipeline.usecases.load import arrivals

_RUNNING = dg.DefaultSensorStatus.RUNNING
_RETRY = timedelta(minutes=10)  # the same files start a run again after this, should the first one have died
_BUSY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_LOOK_BACK = timedelta(days=7)


def sensor_definitions(blueprint: Blueprint) -> dg.Definitions:
    """The job that does everything, and the sensors."""
    keys = [raw_key(name) for name in blueprint.sources]
    keys += [model_key(node) for node in (*blueprint.models.values(), *blueprint.snapshots)]
    pipeline = dg.define_asset_job(
        PIPELINE_JOB,
        # Data checks are left out: the build reports them itself, each as soon as its model is there.
        selection=dg.AssetSelection.assets(*keys) - dg.AssetSelection.checks(*data_check_keys(blueprint)),
        description="Load what arrived, build the dbt project, evaluate each mart as soon as its tests are done.",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(jobs=[pipeline], sensors=[_file_arrival(), _elsewhere(blueprint), _run_failures()])


def _file_arrival() -> dg.SensorDefinition:
    @dg.sensor(
        name="file_arrival",
        job_name=PIPELINE_JOB,
        description="Starts the pipeline when a source's files have arrived.",
        minimum_interval_seconds=10,
        default_status=_RUNNING,
    )
    def file_arrival(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with App.from_environment() as app:
            beat(app, "sensor file_arrival")
            arrived = [
                f"{source.name} {delivery.name} {delivery.bytes}"
                for source in app.sources.sources.values()
                if source.ingest.trigger == "arrival"
                for delivery in arrivals(source, app.source_files, app.raw_tables)
            ]
        if not arrived:
            return dg.SkipReason("nothing arrived")
        if _is_busy(context.instance):
            return dg.SkipReason("the pipeline is at work; what arrived meanwhile is looked at again")
        now = datetime.now(UTC)
        share = int(now.timestamp() // _RETRY.total_seconds())
        digest = hashlib.sha256("\n".join(sorted(arrived)).encode()).hexdigest()[:16]
        return dg.RunRequest(run_key=f"{digest}:{share}", tags={"arrived": str(len(arrived))})

    return file_arrival


def _elsewhere(blueprint: Blueprint) -> dg.SensorDefinition:
    watched = {model_key(blueprint.models[model]): model for model in blueprint.read_models}

    @dg.sensor(
        name="materialized_elsewhere",
        job_name=DUE_JOB,
        description="Evaluates marts that something else has materialized, and alerts whose values have changed.",
        minimum_interval_seconds=10,
        default_status=_RUNNING,
    )
    def materialized_elsewhere(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor: dict[str, int] = json.loads(context.cursor or "{}")
        with App.from_environment() as app:
            beat(app, "sensor materialized_elsewhere")
            found, cursor = foreign_materializations(context.instance, app.engine, watched, cursor)
            tuned = app.tuned_alerts.due(app.clock.now())
            is_news = app.due_work.add([*found, *tuned]) > 0
            due = app.due_work.is_any(MATERIALIZATION) or app.due_work.is_any(TUNED)
        told = [entry.window for entry in (*found, *tuned)] if is_news else []
        newest = max(told, default=str(int(datetime.now(UTC).timestamp() // 600)))
        if not due:
            return dg.SensorResult(cursor=json.dumps(cursor), skip_reason="every mart was evaluated")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"due:{newest}")], cursor=json.dumps(cursor))

    return materialized_elsewhere


def _run_failures() -> dg.SensorDefinition:
    # No run-status sensor: one whose body raises moves its cursor on, and a new one starts at the latest event.
    @dg.sensor(
        name="run_failures",
        description="Opens a system incident for a failed run, and clears it when the same job succeeds again.",
        minimum_interval_seconds=30,
        default_status=_RUNNING,
    )
    def run_failures(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        since = datetime.fromisoformat(context.cursor) if context.cursor else now - _LOOK_BACK
        ended = _ended_runs(context.instance, since - timedelta(minutes=5))
        with App.from_environment() as app:
            beat(app, "sensor run_failures")
            app.due_work.add(ended)
            for entry in app.due_work.take("run", "run_failures"):
                _report(app, entry)
                app.due_work.finish(entry)
        return dg.SensorResult(cursor=now.isoformat(), skip_reason=f"{len(ended)} runs ended of late")

    return run_failures


def _ended_runs(instance: dg.DagsterInstance, since: datetime) -> list[DueWork]:
    """Failed and succeeded runs since then, as work that is due once each."""
    ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    records = instance.get_run_records(dg.RunsFilter(statuses=ended, updated_after=since), limit=500)
    return [
        DueWork(f"run:{record.dagster_run.run_id}", "ended", _instant(record), _told(instance, record.dagster_run))
        for record in records
    ]


def _report(app: App, entry: DueWork) -> None:
    """One incident per job: it stands as long as the job fails, whatever the number of its runs."""
    job, failed = entry.detail["job"], entry.detail["failed"]
    if not failed:
        app.system_incidents.clear("run_failure", {"job": job})
        return
    if entry.detail.get("told"):
        return
    steps, error = entry.detail["steps"], entry.detail.get("error")
    where = f" at {', '.join(steps)}" if steps else ""
    summary = f"A run of {job} failed{where}{f': {error}' if error else ''}"
    app.system_incidents.report(SystemFinding("run_failure", {"job": job}, summary, dict(entry.detail)))


def _told(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, Any]:
    failed = run.status is dg.DagsterRunStatus.FAILURE
    steps = instance.get_run_step_stats(run.run_id) if failed else []
    names = [step.step_key for step in steps if step.status and step.status.value == "FAILURE"]
    told = {"job": run.job_name, "run_id": run.run_id, "failed": failed, "steps": names, "told": TOLD in run.tags}
    return {**told, "error": _error(instance, run.run_id)} if failed else told


def _error(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why the first step failed: our own sentence, or the kind of the error. Its text may hold values or secrets."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        failure = entry.dagster_event.step_failure_data if entry.dagster_event else None
        if failure is None:
            continue
        if failure.user_failure_data and failure.user_failure_data.description:
            return failure.user_failure_data.description
        error = failure.error
        cause = error.cause if error and error.cause else error
        return (cause.cls_name or "") if cause else ""
    return ""


def _instant(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def _is_busy(instance: dg.DagsterInstance) -> bool:
    """Is a pipeline run under way? One that was killed never says that it ended, so only young ones count."""
    young = datetime.now(UTC) - timedelta(hours=1)
    busy = dg.RunsFilter(job_name=PIPELINE_JOB, statuses=_BUSY, created_after=young)
    return instance.get_runs_count(busy) > 0
