"""Evaluation as Dagster starts it: for a mart that is ready, on demand, and for what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from alerting_pipeline.defs.outcomes import check_result, events, is_worth_telling
from alerting_pipeline.domain.evaluation import EvaluationResult, Health, Order
from alerting_pipeline.domain.health import ReadyModel
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

    @classmethod
    def begin(cls, context: Context, app: App) -> Evaluation:
        """Put the definition files into force, and say which of them could not be."""
        published = app.publish_definitions()
        for path in published.bad_files:
            context.log.warning(
                f"{path} has an error; `alerting validate` names it. Its last good version stays in force."
            )
        return cls(context, app, app.evaluator())

    def of_mart(self, ready: ReadyModel) -> list[EvaluationResult]:
        """The alerts of a mart that just became ready; what came of them is told on their nodes."""
        order = Order(ready.materialization_id, self.app.clock.now(), Health(ready.failures))
        results = self.evaluator.of_model(ready.unique_id.rpartition(".")[2], order)
        self.tell(results)
        return results

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
    """Evaluate these alerts now, as somebody asked for in the user interface."""
    app.publish_definitions()
    results = app.evaluator().evaluate(alerts, Order(materialization_id, app.clock.now()))
    pasts = last_evaluations(app.engine, alerts)
    for result in results:
        yield check_result(result, pasts.get(result.alert, []))
