"""Evaluation as Dagster starts it: for a mart that is ready, on demand, and for what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from alerting_pipeline.defs.outcomes import check_result, events, is_worth_telling
from alerting_pipeline.domain.evaluation import EvaluationResult, Health, Order
from alerting_pipeline.domain.health import ReadyModel
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.store.trend import last_evaluations
from alerting_pipeline.usecases.evaluate import Evaluator

if TYPE_CHECKING:
    from alerting_pipeline.app import App

Context = dg.AssetExecutionContext | dg.OpExecutionContext


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run's evaluations: the definitions are read and published once, whatever the number of marts."""

    context: Context
    app: App
    evaluator: Evaluator
    failures: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, context: Context, app: App) -> Evaluation:
        """Put the definition files into force, and say which of them could not be."""
        for path in app.publish_definitions().bad_files:
            context.log.warning(f"{path} has an error (see `alerting validate`); its last good version stays in force")
        return cls(context, app, app.evaluator())

    def of_mart(self, ready: ReadyModel) -> None:
        """Evaluate the alerts of a mart that just became ready, and tell of them on their nodes.

        What goes wrong is kept in `failures`, and keeps neither the build nor another mart from going on.
        """
        self.app.mart_health.note(ready)
        order = Order(ready.materialization_id, self.app.clock.now(), Health(ready.failures))
        try:
            self.tell(self.evaluator.of_model(ready.name, order))
        except Exception as error:
            self.context.log.exception(f"{ready.name} could not be evaluated")
            self.failures.append(f"{ready.name} could not be evaluated ({type(error).__name__})")

    def tell(self, results: Sequence[EvaluationResult]) -> None:
        """Log results as events on the alerts' nodes: all of them while they are few, else those that changed."""
        pasts = last_evaluations(self.app.engine, [result.alert for result in results])
        for result in results:
            past = pasts.get(result.alert, [])
            if is_worth_telling(result, past, len(results)):
                for event in events(result, past):
                    self.context.log_event(event)
            self.context.log.info(f"{result.alert}: {result.outcome.value}, {result.reason}")


def evaluate_on_demand(app: App, alerts: Sequence[str], materialization_id: str) -> Iterator[dg.AssetCheckResult]:
    """Evaluate these alerts now, as somebody asked for in the user interface; an unhealthy mart stays unjudged."""
    app.publish_definitions()
    evaluator = app.evaluator()
    for alert in alerts:
        if alert not in evaluator.definitions:
            raise dg.Failure(f"{alert} is not in force; `alerting validate` says what is wrong with its file")
        health = app.mart_health.of(models_read(evaluator.definitions[alert]))
        (result,) = evaluator.evaluate([alert], Order(materialization_id, app.clock.now(), health))
        yield check_result(result, last_evaluations(app.engine, [alert])[alert])
