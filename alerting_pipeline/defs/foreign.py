"""Materializations of marts that our own op did not make, or did not live to evaluate: found in Dagster's event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy import text

from alerting_pipeline.defs.keys import BUILD_OP
from alerting_pipeline.domain.window import MATERIALIZATION, DueWork

if TYPE_CHECKING:
    from sqlalchemy import Engine


def foreign_materializations(
    instance: dg.DagsterInstance, engine: Engine, watched: Mapping[dg.AssetKey, str], cursor: Mapping[str, int]
) -> tuple[list[DueWork], dict[str, int]]:
    """Materializations later than the cursor that nobody evaluated, as due work, and the cursor behind them.

    One query, whatever the number of marts. A materialization by our own op is left for the next tick while its run
    lasts: the op evaluates it as soon as its tests are done. If the run ended without that, it is due.
    """
    after = dict(cursor)
    candidates: dict[str, DueWork] = {}
    for record in instance.get_asset_records(list(watched)):
        key, latest = record.asset_entry.asset_key, record.asset_entry.last_materialization_record
        if latest is None or latest.storage_id <= after.get(key.to_user_string(), 0):
            continue
        if latest.event_log_entry.step_key == BUILD_OP and _lasts(instance, latest.run_id):
            continue
        after[key.to_user_string()] = latest.storage_id
        work = _due(watched[key], latest)
        candidates[work.window] = work
    evaluated = _evaluated(engine, list(candidates))
    return [work for window, work in candidates.items() if window not in evaluated], after


def _lasts(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and not run.is_finished


def _due(model: str, record: dg.EventLogRecord) -> DueWork:
    """dbt's invocation id names a materialization; another tool's is named by its run and place in the log."""
    materialization = record.asset_materialization
    metadata: Mapping[str, Any] = materialization.metadata if materialization else {}
    told = {name: getattr(metadata.get(name), "value", None) for name in ("invocation_id", "unique_id")}
    own = f"{told['invocation_id']}:{told['unique_id']}" if all(told.values()) else None
    window = own or f"dagster:{record.run_id or 'external'}:{record.storage_id}"
    return DueWork(f"{MATERIALIZATION}:{model}", window, datetime.fromtimestamp(record.timestamp, UTC))


def _evaluated(engine: Engine, windows: list[str]) -> frozenset[str]:
    with engine.connect() as connection:
        found = connection.execute(
            text("select distinct materialization_id from ledger.evaluations where materialization_id = any(:windows)"),
            {"windows": windows},
        )
        return frozenset(found.scalars())
