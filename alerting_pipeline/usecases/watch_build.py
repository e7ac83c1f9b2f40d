"""Tell of a build while it runs: each failing test or model is an incident at once, each that passes again ends one.

A node that did not run says nothing, so its incident stands. What recovers outside the build of a mart makes that mart
due: its alerts are evaluated against what is there, without waiting for their next trigger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.build_trouble import Standing, about, beneath, is_over, is_told, trouble
from alerting_pipeline.domain.health import BuildGraph, BuildNode, NodeResult, failure_sentence
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.upstream import Upstream

Downstream = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]
"""Given a model's name: the marts and the business alerts that stand on it."""


class BuildLedger(Protocol):
    """Where failures of builds are kept; each call is one transaction, messages included."""

    def standing(self) -> Mapping[str, Mapping[str, str]]:
        """The nodes that failed last, each with its definition and entity: `{"alert": …, …}`."""
        ...

    def fail(self, standing: Standing, finding: SystemFinding) -> None: ...

    def recover(self, unique_id: str, alert: str, entity: Mapping[str, str], built: Sequence[str]) -> None: ...

    def begin(self, codes: Mapping[str, str]) -> datetime:
        """A build begins that runs this code, a digest by unique id; returns its instant."""
        ...

    def finish(self, good: Collection[str], began: datetime) -> None:
        """These nodes were good in the build that began then."""
        ...

    def changed(self, unique_id: str, upstream: Upstream) -> str:
        """What changed upstream since the node was last good, in a line."""
        ...


@dataclass(slots=True)
class BuildWatch:
    """Fed with dbt's results as they come. `expected` are the nodes of this build, whose marts it evaluates itself."""

    graph: BuildGraph
    ledger: BuildLedger
    downstream: Downstream
    expected: frozenset[str]
    runbooks: Mapping[str, str] = field(default_factory=dict)
    _unexplained: dict[str, NodeResult] = field(default_factory=dict)
    _standing: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _good: set[str] = field(default_factory=set)
    _began: datetime | None = None

    def begin(self) -> None:
        """Note the code that runs; look at what stands; end what is about a node that the project no longer has."""
        self._began = self.ledger.begin({each: self.graph.nodes[each].code for each in self.expected})
        self._standing = dict(self.ledger.standing())
        for unique_id in [each for each in self._standing if each not in self.graph.nodes]:
            self._recover(unique_id)

    def record(self, result: NodeResult) -> None:
        """Take one result in. A good one of a node that was good costs nothing."""
        node = self.graph.nodes.get(result.unique_id)
        if is_over(node, result):
            self._good.add(result.unique_id)
        if node is not None and not node.concerns and is_told(node, result) and not result.message:
            self._unexplained[result.unique_id] = result  # dbt says why later
            return
        self._unexplained.pop(result.unique_id, None)
        if node is not None and is_told(node, result):
            self._fail(node, result)
        elif result.unique_id in self._standing and is_over(node, result):
            self._recover(result.unique_id)

    def finish(self) -> None:
        """The build ended: tell what dbt never explained, and keep what was good."""
        for unique_id, result in self._unexplained.items():
            self._fail(self.graph.nodes[unique_id], result)
        self._unexplained.clear()
        if self._began is not None:
            self.ledger.finish(self._good, self._began)

    def _fail(self, node: BuildNode, result: NodeResult) -> None:
        marts, alerts = self._held(node)
        changed = self.ledger.changed(node.unique_id, beneath(self.graph, node.unique_id))
        runbook = next((self.runbooks[name] for name in self._models(node) if name in self.runbooks), "")
        finding = trouble(node, result, alerts, changed, runbook)
        self.ledger.fail(Standing(node.unique_id, failure_sentence(result, node), marts), finding)
        alert, entity = about(node)
        self._standing[node.unique_id] = {"alert": alert, **entity}

    def _recover(self, unique_id: str) -> None:
        told = dict(self._standing.pop(unique_id))
        alert = told.pop("alert")
        self.ledger.recover(unique_id, alert, told, self._built())

    def _built(self) -> list[str]:
        nodes = [self.graph.nodes[each] for each in self.expected]
        return sorted(node.name for node in nodes if not node.concerns)

    def _held(self, node: BuildNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
        found = [self.downstream(name) for name in self._models(node)]
        marts = {mart for each, _ in found for mart in each}
        alerts = {alert for _, each in found for alert in each}
        return tuple(sorted(marts)), tuple(sorted(alerts))

    def _models(self, node: BuildNode) -> list[str]:
        concerned = node.concerns or {node.unique_id}
        return sorted(self.graph.nodes[each].name for each in concerned if each in self.graph.nodes)
