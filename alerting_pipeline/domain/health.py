"""When a mart may be evaluated, and whether what it shows may be believed.

dbt reports its nodes one by one, in an order that depends on threads. A mart is ready as soon as it and every
selected test of itself and of its ancestors have reported: not earlier, because a failing test must hold its
incidents; not later, because an alert should not wait for the rest of the build. It is healthy if nothing that it
stands on failed with severity error in this build. The tracker only keeps account; it runs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a node's result means for the models that stand on it."""

    GOOD = "good"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What dbt said of one node. `status` is dbt's own word; `failures` counts the rows that a test found."""

    unique_id: str
    status: str
    message: str = ""
    failures: int | None = None
    invocation_id: str = ""

    @property
    def verdict(self) -> Verdict:
        """dbt's many words as three; a word that is not known counts as a failure, never as health."""
        return _VERDICTS.get(self.status.lower(), Verdict.FAILED)


@dataclass(frozen=True, slots=True)
class BuildNode:
    """One node of the dbt graph: what it reads, and, for a test, which nodes it speaks about; `code` is the digest of
    what it does.
    """

    unique_id: str
    name: str
    kind: str
    parents: frozenset[str] = frozenset()
    concerns: frozenset[str] = frozenset()
    is_error: bool = True
    code: str = ""


DATA_NODE = "data definition"


def is_data_node(unique_id: str) -> bool:
    """Is it a data definition, which our own program checks, and not a node of dbt's?"""
    return unique_id.startswith("data.")


@dataclass(frozen=True, slots=True)
class BuildGraph:
    """The dbt graph as far as health needs it."""

    nodes: Mapping[str, BuildNode]

    def ancestors(self, unique_id: str) -> frozenset[str]:
        """Every node that `unique_id` is built from, however far, itself left out."""
        seen: set[str] = set()
        waiting = [unique_id]
        while waiting:
            node = self.nodes.get(waiting.pop())
            for parent in node.parents if node else ():
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return frozenset(seen)

    def tests_of(self, unique_ids: Iterable[str]) -> frozenset[str]:
        """The tests that speak about any of `unique_ids`."""
        wanted = frozenset(unique_ids)
        return frozenset(node.unique_id for node in self.nodes.values() if node.concerns & wanted)


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A model whose alerts may be evaluated. Not healthy: data_failure, incidents are held, `failures` say why.

    `of_nodes` are those among them that are kept by the node that failed: of data definitions, tests and models. What
    is left stands against the model itself: that it was skipped, or did not report.
    """

    unique_id: str
    healthy: bool
    failures: tuple[str, ...] = ()
    invocation_id: str = ""
    of_nodes: tuple[str, ...] = ()

    @property
    def build_failures(self) -> tuple[str, ...]:
        """The failures that no other node keeps account of."""
        return tuple(failure for failure in self.failures if failure not in self.of_nodes)

    @property
    def name(self) -> str:
        """The model's name, as definitions write it."""
        return self.unique_id.rpartition(".")[2]

    @property
    def materialization_id(self) -> str:
        """dbt invocation id and node: the key under which this materialization is evaluated once."""
        return f"{self.invocation_id}:{self.unique_id}"


@dataclass(slots=True)
class HealthTracker:
    """Fed with results as they come; says which of the `watched` models became ready.

    `expected` are the nodes selected in this build. A watched model that is not among them is never reported. A test
    that is not expected is not waited for, and one that reports all the same counts if it does so in time.
    """

    graph: BuildGraph
    expected: frozenset[str]
    watched: frozenset[str]
    _results: dict[str, NodeResult] = field(default_factory=dict)
    _stands_on: dict[str, frozenset[str]] = field(default_factory=dict)
    _missing: dict[str, set[str]] = field(default_factory=dict)
    _waiting_for: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for model in sorted(self.watched & self.expected):
            models = self.graph.ancestors(model) | {model}
            stands_on = models | self.graph.tests_of(models)
            self._stands_on[model] = stands_on
            self._missing[model] = set(stands_on & self.expected)
            for unique_id in self._missing[model]:
                self._waiting_for[unique_id].add(model)

    def record(self, result: NodeResult) -> tuple[ReadyModel, ...]:
        """Take one result in; returns the models that became ready by it. A repeated result changes nothing."""
        if result.unique_id in self._results:
            return ()
        self._results[result.unique_id] = result
        return tuple(self._now_ready(result.unique_id))

    def finish(self, *, is_complete: bool) -> tuple[ReadyModel, ...]:
        """The build ended: report every watched model that has not been reported yet.

        `is_complete` False says that dbt broke off: what it did not report then counts as failed. Where it ran to its
        end, a selected node without a result was left out by dbt itself (an empty selection), which is no failure,
        unless it is the model's own result that is missing.
        """
        remaining = sorted(self._missing)
        return tuple(self._ready(model, self._unreported(model, is_complete)) for model in remaining)

    @property
    def models(self) -> tuple[int, int]:
        """How many of the expected models, seeds and snapshots have reported, and how many there are."""
        models = {each for each in self.expected if each in self.graph.nodes and not self.graph.nodes[each].concerns}
        return len(models & self._results.keys()), len(models)

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the models, seeds and snapshots that could not be built; a failing test breaks none."""
        nodes = self.graph.nodes
        failed = [each for each, result in sorted(self._results.items()) if result.verdict is Verdict.FAILED]
        return tuple(nodes[each].name for each in failed if each in nodes and not nodes[each].concerns)

    @property
    def failed(self) -> tuple[str, ...]:
        """Every failure of the build with severity error, named, in a stable order; not those of data definitions."""
        return tuple(self._named(each for each in self._results if not is_data_node(each)))

    def _now_ready(self, unique_id: str) -> Iterator[ReadyModel]:
        for model in sorted(self._waiting_for.pop(unique_id, ())):
            missing = self._missing.get(model)
            if missing is not None:
                missing.discard(unique_id)
                if not missing:
                    yield self._ready(model)

    def _ready(self, model: str, unreported: tuple[str, ...] = ()) -> ReadyModel:
        del self._missing[model]
        stands_on = self._stands_on[model]
        failures = (*self._named(stands_on), *unreported)
        of_nodes = tuple(self._named(each for each in stands_on if self._keeps_account(each)))
        invocation = self._results[model].invocation_id if model in self._results else self._any_invocation()
        return ReadyModel(model, not failures, failures, invocation, of_nodes)

    def _keeps_account(self, unique_id: str) -> bool:
        result = self._results.get(unique_id)
        return is_data_node(unique_id) or (result is not None and result.verdict is Verdict.FAILED)

    def _named(self, unique_ids: Iterable[str]) -> Iterator[str]:
        """Causes before consequences: what failed first, then what was skipped because of it."""
        results = [self._results[unique_id] for unique_id in sorted(unique_ids) if unique_id in self._results]
        for verdict in (Verdict.FAILED, Verdict.SKIPPED):
            for result in results:
                node = self.graph.nodes.get(result.unique_id)
                if result.verdict is verdict and _inhibits(node, verdict):
                    yield failure_sentence(result, node)

    def _unreported(self, model: str, is_complete: bool) -> tuple[str, ...]:
        missing = {model} & self._missing[model] if is_complete else self._missing[model]
        return tuple(f"{_label(self.graph.nodes.get(name), name)} did not report" for name in sorted(missing))

    def _any_invocation(self) -> str:
        return next((result.invocation_id for result in self._results.values() if result.invocation_id), "")


def _inhibits(node: BuildNode | None, verdict: Verdict) -> bool:
    """A skipped test says nothing about its model: what made dbt skip it is named itself where it matters."""
    if node is None:
        return False
    if verdict is Verdict.SKIPPED:
        return not node.concerns
    return node.is_error


def failure_sentence(result: NodeResult, node: BuildNode | None) -> str:
    """The sentence with which alerts downstream are held."""
    if is_data_node(result.unique_id) and result.message:
        return result.message
    label = _label(node, result.unique_id)
    if result.verdict is Verdict.SKIPPED:
        return f"{label} was skipped"
    if node and node.concerns and result.failures:
        rows = "1 row" if result.failures == 1 else f"{result.failures} rows"
        about = ", ".join(sorted(unique_id.rpartition(".")[2] for unique_id in node.concerns))
        return f"{label} on {about} failed for {rows}"
    return f"{label} failed: {result.message}" if result.message else f"{label} failed"


def _label(node: BuildNode | None, unique_id: str) -> str:
    return f"{node.kind.replace('_', ' ')} {node.name}" if node else unique_id


_VERDICTS = {
    **dict.fromkeys(("success", "pass", "warn", "no-op", "reused"), Verdict.GOOD),
    **dict.fromkeys(("error", "fail", "runtime error", "partial success"), Verdict.FAILED),
    "skipped": Verdict.SKIPPED,
}
