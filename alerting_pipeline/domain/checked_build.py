"""A build with data definitions in it: they are checked as soon as their model and its dbt tests have reported.

They are nodes like dbt's tests, so that the marts downstream wait for them; but dbt knows nothing of them. Whoever
feeds dbt's results in gives the function that checks a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.evaluation import EvaluationResult, Outcome
from alerting_pipeline.domain.health import (
    DATA_NODE,
    BuildGraph,
    BuildNode,
    HealthTracker,
    NodeResult,
    ReadyModel,
    Verdict,
)

CheckModel = Callable[[str, str], Sequence[EvaluationResult]]
"""Checks the data of a model, given its name and the materialization's id."""

_STATUS = {Outcome.FIRING: "fail", Outcome.SYSTEM_FAILURE: "error", Outcome.DATA_FAILURE: "error"}


def data_node(alert: str) -> str:
    """The unique id of a data definition in the graph."""
    return f"data.{alert}"


def with_data_nodes(graph: BuildGraph, definitions: Mapping[str, DataDefinition]) -> BuildGraph:
    """The graph, with the data definitions of its models; one whose model is not in it is left out."""
    models = {node.name: node.unique_id for node in graph.nodes.values() if node.kind in ("model", "seed", "snapshot")}
    added = {
        data_node(alert): BuildNode(
            unique_id=data_node(alert),
            name=alert,
            kind=DATA_NODE,
            parents=frozenset({models[definition.model]}),
            concerns=frozenset({models[definition.model]}),
            is_error=definition.on_failure == "hold",
        )
        for alert, definition in definitions.items()
        if definition.model in models
    }
    return BuildGraph({**graph.nodes, **added})


@dataclass(slots=True)
class CheckedBuild:
    """Fed with dbt's results as they come. `check` is asked for each model that has data definitions, once."""

    tracker: HealthTracker
    check: CheckModel
    _waits_for: dict[str, set[str]] = field(default_factory=dict)
    _verdicts: dict[str, NodeResult] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        graph: BuildGraph,
        expected: frozenset[str],
        watched: frozenset[str],
        definitions: Mapping[str, DataDefinition],
        check: CheckModel,
    ) -> CheckedBuild:
        """`expected` are dbt's nodes of this build: definitions about other models are not checked in it."""
        full = with_data_nodes(graph, definitions)
        nodes = {
            each: node for each, node in full.nodes.items() if node.kind == DATA_NODE and node.concerns <= expected
        }
        build = cls(HealthTracker(full, expected | nodes.keys(), watched), check)
        for node in nodes.values():
            (model,) = node.concerns
            build._waits_for[model] = {model, *(graph.tests_of([model]) & expected)}
        return build

    def record(self, result: NodeResult) -> Iterator[ReadyModel]:
        """Take one result in; yields the models whose alerts may be evaluated by it."""
        self._verdicts[result.unique_id] = result
        yield from self.tracker.record(result)
        for model in [model for model, missing in self._waits_for.items() if result.unique_id in missing]:
            self._waits_for[model].discard(result.unique_id)
            if not self._waits_for[model]:
                yield from self._check(model)

    def finish(self, *, is_complete: bool) -> Iterator[ReadyModel]:
        """The build ended: what dbt left out by itself is waited for no longer."""
        for model in list(self._waits_for) if is_complete else ():
            yield from self._check(model)
        yield from self.tracker.finish(is_complete=is_complete)

    def _check(self, model: str) -> Iterator[ReadyModel]:
        del self._waits_for[model]
        built = self._verdicts.get(model)
        nodes = [
            node for node in self.tracker.graph.nodes.values() if node.kind == DATA_NODE and model in node.concerns
        ]
        results: dict[str, EvaluationResult] = {}
        is_built = built is not None and built.verdict is Verdict.GOOD
        if built is not None and is_built:
            name = self.tracker.graph.nodes[model].name
            found = self.check(name, f"{built.invocation_id}:{model}")
            results = {each.alert: each for each in found}
        for node in nodes:
            yield from self.tracker.record(_told(node, results.get(node.name), is_built=is_built))


def _told(node: BuildNode, result: EvaluationResult | None, *, is_built: bool) -> NodeResult:
    """A definition that was not checked although its model was built counts as failed; without a model as skipped."""
    if result is None:
        if not is_built:
            return NodeResult(node.unique_id, "skipped")
        return NodeResult(node.unique_id, "error", f"data definition {node.name} could not be checked")
    status = _STATUS.get(result.outcome, "pass")
    return NodeResult(node.unique_id, status, failure_of(result) if status != "pass" else "")


def failure_of(result: EvaluationResult) -> str:
    """The sentence with which alerts downstream are held."""
    return f"data definition {result.alert} failed: {result.reason}"
