"""Evaluators as processes of their own, for tests in which many work at once or one is killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Barrier

from alerting_pipeline.adapters.marts import Marts
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Order
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.usecases.evaluate import Evaluator
from tests.usecases.world import DESTINATIONS, TREE, World


@dataclass(frozen=True)
class Setting:
    """What an evaluator needs to know, in a form that reaches another process."""

    app_url: str
    reader_url: str
    model: Model
    definitions: tuple[AlertDefinition, ...]

    @classmethod
    def of(cls, world: World) -> Setting:
        addresses = world.database.app_url, world.database.reader_url
        return cls(*addresses, world.model, tuple(world.definitions.values()))


def evaluate(setting: Setting, materialization: str, now: datetime) -> Sequence[EvaluationResult]:
    """One evaluation of all definitions, with connections of its own."""
    engine = engine_for(setting.app_url)
    try:
        ledger = EvaluationLedger(engine, Directory(TREE, DESTINATIONS, "http://localhost:8080"))
        scanner = Scanner(Warehouse(setting.reader_url), Marts(Catalog({"payments": setting.model})))
        definitions = {item.alert: item for item in setting.definitions}
        return Evaluator(definitions, ledger, scanner).evaluate(definitions, Order(materialization, now))
    finally:
        engine.dispose()


def context() -> ForkServerContext:
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, "psycopg", "sqlalchemy.dialects.postgresql.psycopg"])
    return made


def start(setting: Setting, materialization: str, now: datetime, gate: Barrier | None = None) -> ForkServerProcess:
    """A process that evaluates once, when all who wait at the gate are there."""
    process = context().Process(target=_work, args=(setting, materialization, now, gate), daemon=True)
    process.start()
    return process


def _work(setting: Setting, materialization: str, now: datetime, gate: Barrier | None) -> None:
    if gate is not None:
        gate.wait()
    evaluate(setting, materialization, now)
