"""What a failed node of a build means to people: a test is about data, a model that can't be built about the system.

Each lands in exactly one class and is one incident, which names the alerts that it holds. dbt's own message may print
values of rows ("invalid input syntax for type numeric: …"), so only its first words and the database's kind of error
are repeated, never what a row held.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerting_pipeline.domain.health import BuildGraph, BuildNode, NodeResult, Verdict
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.upstream import CHANGED_UPSTREAM, Upstream, upstream_of

DATA_TEST, MODEL_FAILURE = "data_test", "model_failure"
RUNBOOK_OF_MODEL = "runbook_of_model"
"""The field of an incident that names the page about the model that failed."""
_VALUE = re.compile(r"\"[^\"]*\"|'[^']*'|\([^)]*\)=\([^)]*\)")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against marts because of a node: the sentence that holds their alerts."""

    unique_id: str
    sentence: str
    marts: tuple[str, ...]


def about(node: BuildNode) -> tuple[str, Mapping[str, str]]:
    """The built-in definition that a node's failure belongs to, and the entity of its incident."""
    if node.concerns:
        return DATA_TEST, {"model": _models(node), "test": node.name}
    return MODEL_FAILURE, {"model": node.name}


def is_told(node: BuildNode | None, result: NodeResult) -> bool:
    """Is the failure of this node worth an incident? A warning and a skipped node are not."""
    return node is not None and result.verdict is Verdict.FAILED and node.is_error


def is_over(node: BuildNode | None, result: NodeResult) -> bool:
    """Does this result show that the node is fine? One that was skipped shows nothing."""
    return node is not None and result.verdict is Verdict.GOOD


def trouble(node: BuildNode, result: NodeResult, held: Sequence[str], changed: str, runbook: str = "") -> SystemFinding:
    """The incident of a failed node. `held`: the business alerts that wait for it; `changed`: what did, upstream."""
    alert, entity = about(node)
    waits = f" Held until it passes: {', '.join(held)}." if held else ""
    detail: dict[str, Any] = {"alerts_held": ", ".join(held) or "none"}
    if node.concerns:
        rows = "1 row" if result.failures == 1 else f"{result.failures:,} rows" if result.failures else "some rows"
        what = f"{entity['model']}: the test {node.name} failed for {rows}."
        detail["failing_rows"] = result.failures
    else:
        what = f"{node.kind} {node.name} could not be built: {redacted(result.message) or result.status}."
    detail[CHANGED_UPSTREAM] = changed
    if runbook:
        detail[RUNBOOK_OF_MODEL] = runbook
    return SystemFinding(alert, entity, f"{what}{waits}", detail)


def redacted(message: str) -> str:
    """dbt's message in one line, without anything that could be a value of a row."""
    return _VALUE.sub("…", " ".join(message.split()))[:_LONGEST].rstrip(" .")


def beneath(graph: BuildGraph, unique_id: str) -> Upstream:
    """What a node stands on, its own code included."""
    return upstream_of([unique_id, *graph.ancestors(unique_id)])


def _models(node: BuildNode) -> str:
    return ", ".join(sorted(unique_id.rpartition(".")[2] for unique_id in node.concerns))
