"""Data definitions in Dagster: a check on the node of the model that each is about.

They run inside the op that builds the model, which reports here, because marts wait for them; the check itself is
executed only when somebody asks for it. A failing one blocks nothing in Dagster: it holds alerts, not models.
"""

# No postponed annotations here: Dagster checks the type of `context` itself.
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.evaluation import Context
from alerting_pipeline.defs.keys import model_key
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Order, Outcome
from alerting_pipeline.usecases.check_data import DataChecker


@dataclass(frozen=True)
class Inspection:
    """One run's data checks."""

    context: Context
    app: App
    checker: DataChecker
    keys: dict[str, dg.AssetKey]
    failures: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, context: Context, app: App, *, is_due: bool = True) -> "Inspection":
        """Read the definitions in force. Great Expectations is imported meanwhile, if it will be needed for sure."""
        checker = app.data_checker()
        if is_due and checker.needs_expectations:
            app.great_expectations.warm_up()
        nodes = app.dbt_project.manifest()["nodes"].values()
        keys = {node["name"]: model_key(node) for node in nodes if node["name"] in checker.models}
        return cls(context, app, checker, keys)

    def of_model(self, model: str, materialization_id: str) -> Sequence[EvaluationResult]:
        """Check a model's data and tell of it on its node. What goes wrong is kept in `failures`."""
        try:
            results = self.checker.of_model(model, Order(materialization_id, self.app.clock.now()))
        except Exception as error:
            self.context.log.exception(f"the data of {model} could not be checked")
            self.failures.append(f"the data of {model} could not be checked ({type(error).__name__})")
            return []
        return self.tell(results)

    def tell(self, results: Sequence[EvaluationResult]) -> Sequence[EvaluationResult]:
        """Log those of data definitions on the nodes of their models; returns them."""
        of_data = [result for result in results if result.alert in self.checker.definitions]
        for result in of_data:
            if not result.is_repeated and result.model in self.keys:
                self.context.log_event(_evaluation(result, self.keys[result.model]))
            self.context.log.info(f"{result.alert}: {result.outcome.value}, {result.reason}")
        return of_data


def data_definitions(blueprint: Blueprint) -> dg.Definitions:
    """The checks, to be looked at on their models and run on demand."""
    definitions = {name: each for name, each in blueprint.data.items() if each.model in blueprint.models}
    if not definitions:
        return dg.Definitions()
    specs = [_spec(blueprint, each) for each in definitions.values()]

    @dg.multi_asset_check(name="check_data", specs=specs, can_subset=True)
    def check_data(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        chosen = sorted(key.name for key in context.selected_asset_check_keys)
        with App.from_environment() as app:
            app.publish_definitions()
            order = Order(f"check:{context.run.run_id}", app.clock.now())
            for result in app.data_checker().evaluate(chosen, order):
                yield _result(result, model_key(blueprint.models[result.model]))

    return dg.Definitions(asset_checks=[check_data])


def data_check_keys(blueprint: Blueprint) -> list[dg.AssetCheckKey]:
    """The keys of these checks, so that a job can leave them out: its op reports them itself."""
    return [
        dg.AssetCheckKey(model_key(blueprint.models[each.model]), name)
        for name, each in blueprint.data.items()
        if each.model in blueprint.models
    ]


def _spec(blueprint: Blueprint, definition: DataDefinition) -> dg.AssetCheckSpec:
    place = str(blueprint.settings.definitions / definition.path)
    return dg.AssetCheckSpec(
        definition.alert,
        asset=model_key(blueprint.models[definition.model]),
        description=definition.description or definition.heading,
        blocking=False,
        metadata={"owner": definition.owner, "on_failure": definition.on_failure, "definition": place},
    )


def _evaluation(result: EvaluationResult, key: dg.AssetKey) -> Any:
    """Untyped, because log_event takes check evaluations without saying so in its type."""
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=result.alert,
        passed=result.outcome is Outcome.CLEAR,
        severity=_severity(result),
        description=result.reason,
        metadata=_metadata(result),
        blocking=False,
    )


def _result(result: EvaluationResult, key: dg.AssetKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=result.alert,
        passed=result.outcome is Outcome.CLEAR,
        severity=_severity(result),
        description=result.reason,
        metadata=_metadata(result),
    )


def _severity(result: EvaluationResult) -> dg.AssetCheckSeverity:
    """What holds alerts is an error to look at; that nothing could be judged is worth a warning."""
    is_unjudged = result.outcome is Outcome.NO_DATA
    return dg.AssetCheckSeverity.WARN if is_unjudged else dg.AssetCheckSeverity.ERROR


def _metadata(result: EvaluationResult) -> dict[str, Any]:
    columns = ("check", "state", "says", "sample")
    records = [dg.TableRecord({name: str(row.get(name, "")) for name in columns}) for row in result.sample]
    return {
        "outcome": result.outcome.value,
        "failed": result.violations,
        "seconds": round(result.seconds, 3),
        "definition_version": result.version,
        "checks": dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns])),
    }
