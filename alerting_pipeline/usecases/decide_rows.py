"""A person decides on a run that was halted for its number of rows: they leave, or they never do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from alerting_pipeline.domain.errors import AlertingError


class Runs(Protocol):
    """Halted runs within one transaction."""

    def lock(self, run_id: int) -> Mapping[str, Any] | None: ...

    def decide(self, run: Mapping[str, Any], decision: str, person: str, reason: str, now: datetime) -> int: ...

    def audit(self, actor: str, action: str, what: str, before: Any, after: Any) -> None: ...


class HaltedRuns(Protocol):
    """Where halted runs are kept."""

    def begin(self) -> AbstractContextManager[Runs]: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides what, and why."""

    run_id: int
    verdict: Literal["approved", "rejected"]
    person: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, and of how many rows."""

    run_id: int
    alert: str
    destination: str
    verdict: str
    rows: int


def decide_rows(runs: HaltedRuns, decision: Decision, now: datetime) -> Decided:
    """Carry the decision out. Raises AlertingError for a run that there is not, or that is decided already."""
    with runs.begin() as open_runs:
        run = open_runs.lock(decision.run_id)
        if run is None:
            raise AlertingError(f"There is no halted run {decision.run_id}; `alerting write-back list` shows them.")
        if run["decision"] is not None:
            when = f"{run['decided_at']:%Y-%m-%d %H:%M} UTC"
            raise AlertingError(f"Run {decision.run_id} was {run['decision']} by {run['decided_by']} at {when}.")
        rows = open_runs.decide(run, decision.verdict, decision.person, decision.reason, now)
        after = {"decision": decision.verdict, "rows": rows, "reason": decision.reason}
        open_runs.audit(decision.person, f"write_run_{decision.verdict}", f"write run {decision.run_id}", {}, after)
        return Decided(decision.run_id, str(run["alert"]), str(run["destination"]), decision.verdict, rows)
