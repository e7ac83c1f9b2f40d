"""What one evaluation of one definition came to: five outcomes, never mixed, each with its reason.

An outcome speaks of the definition; what becomes of each incident is decided in `lifecycle`. Only `firing` and `clear`
say something about the world. The other three hold every open incident: an error neither resolves nor reopens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.event import Reason
from alerting_pipeline.domain.violation import Tally


class Outcome(StrEnum):
    """firing and clear are statements about the business; the others say that no statement can be made."""

    FIRING = "firing"
    CLEAR = "clear"
    NO_DATA = "no_data"
    DATA_FAILURE = "data_failure"
    SYSTEM_FAILURE = "system_failure"

    @property
    def is_judgement(self) -> bool:
        """Whether incidents may open and close by it."""
        return self in (Outcome.FIRING, Outcome.CLEAR)

    @property
    def holding_reason(self) -> Reason:
        """Why incidents are held, for an outcome that is no judgement."""
        return _HOLDING[self]


_HOLDING = {
    Outcome.NO_DATA: Reason.NO_DATA,
    Outcome.DATA_FAILURE: Reason.DATA_FAILURE,
    Outcome.SYSTEM_FAILURE: Reason.SYSTEM_FAILURE,
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What the query saw. `violations` counts entities; `is_judged`: for some row the condition is not NULL.

    `is_empty` speaks of the model, not of the rows that passed the gate or arrived since the watermark.
    """

    is_empty: bool = False
    violations: int = 0
    null_rows: int = 0
    is_judged: bool = True


class Verdict(NamedTuple):
    """An outcome and the sentence that explains it."""

    outcome: Outcome
    reason: str


NOT_BUILT = "is not built yet; `alerting run` builds it"
"""Said of a model that was never there, which is no error. One that was read before and is gone now is one."""


def not_built(model: str) -> Verdict:
    """Nothing can be said of it, and nothing of it was ever told."""
    return Verdict(Outcome.NO_DATA, f"{model} {NOT_BUILT}")


def decide(
    sight: Sight | None, *, failures: Sequence[str] = (), error: str | None = None, on_empty: str = "clear"
) -> Verdict:
    """The outcome of an evaluation. Data that can't be believed comes before an error, an error before any count."""
    if failures:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        return Verdict(Outcome.DATA_FAILURE, f"{failures[0]}{more}; open incidents are held")
    if error is not None or sight is None:
        return Verdict(Outcome.SYSTEM_FAILURE, f"{error or 'it was not evaluated'}; open incidents are held")
    if sight.is_empty:
        if on_empty == "no_data":
            return Verdict(Outcome.NO_DATA, "the model is empty and on_empty is no_data; open incidents are held")
        return Verdict(Outcome.CLEAR, "the model is empty")
    if sight.violations:
        return Verdict(Outcome.FIRING, f"{_counted(sight.violations, 'violation')}{_nulls(sight)}")
    if sight.null_rows and not sight.is_judged:
        what = "the only row" if sight.null_rows == 1 else f"all {sight.null_rows} rows"
        return Verdict(Outcome.NO_DATA, f"the condition is NULL for {what}; open incidents are held")
    return Verdict(Outcome.CLEAR, f"no violation{_nulls(sight)}")


def _nulls(sight: Sight) -> str:
    return f"; the condition is NULL for {_counted(sight.null_rows, 'row')}" if sight.null_rows else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where a definition stands in the ledger before it is evaluated.

    `watermark` and `read_key` say how far it was read, and with which version and parameter values; `parameter_key`
    is that of the values in force now, `parameters` are those that have one. `evaluated_versions` are the versions
    that were evaluated against the materialization in question; `last_started_at` is when the newest judgement began.
    """

    watermark: datetime | None = None
    read_key: str | None = None
    is_baselined: bool = False
    parameter_key: str = ""
    parameters: frozenset[str] = frozenset()
    last_started_at: datetime | None = None
    evaluated_versions: frozenset[str] = frozenset()

    def key_for(self, version: str) -> str:
        """What a definition of this version is read with now."""
        return f"{version}:{self.parameter_key}"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether what a model shows may be believed; `failures` are sentences of what failed on it or its ancestors."""

    failures: tuple[str, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Nothing failed."""
        return not self.failures


HEALTHY = Health()


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of an evaluation. `as_of` is the instant that counts as now."""

    materialization_id: str
    as_of: datetime
    health: Health = HEALTHY


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """One definition's evaluation, as shells show it. `is_repeated`: this materialization was already evaluated, and
    nothing was written. `sample` holds at most ten violating rows; `seconds` is the time of the whole scan.
    """

    alert: str
    version: str
    model: str
    outcome: Outcome
    reason: str
    violations: int = 0
    opened: int = 0
    reopened: int = 0
    updated: int = 0
    cleared: int = 0
    withdrawn: int = 0
    expired: int = 0
    held: int = 0
    null_rows: int = 0
    unknown_segments: int = 0
    sample: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    error: str | None = None
    is_repeated: bool = False
    evaluation_id: int | None = None

    @property
    def is_changed(self) -> bool:
        """Did any incident change by it?"""
        return bool(self.opened or self.reopened or self.updated or self.cleared or self.withdrawn or self.expired)

    @classmethod
    def repeated(cls, definition: AlertDefinition, version: str) -> EvaluationResult:
        """This version was evaluated against this materialization before."""
        return cls(
            alert=definition.alert,
            version=version,
            model=definition.model or "",
            outcome=Outcome.CLEAR,
            reason="already evaluated: nothing was written",
            is_repeated=True,
        )

    @classmethod
    def paused(cls, definition: OfIncidents) -> EvaluationResult:
        """The definition is paused, so that it was not evaluated."""
        pause = definition.pause
        why = f"paused until {pause.until}: {pause.reason}; nothing was written" if pause else "paused"
        return cls(
            alert=definition.alert,
            version=definition.version_id,
            model=definition.model or "",
            outcome=Outcome.CLEAR,
            reason=why,
            is_repeated=True,
        )

    @classmethod
    def judged(
        cls, definition: AlertDefinition, version: str, verdict: Verdict, tally: Tally, seconds: float
    ) -> EvaluationResult:
        """What was seen, before anything changed by it."""
        return cls(
            alert=definition.alert,
            version=version,
            model=definition.model or "",
            outcome=verdict.outcome,
            reason=verdict.reason,
            violations=tally.violations,
            null_rows=tally.null_rows,
            unknown_segments=tally.unknown_segments,
            seconds=seconds,
        )
