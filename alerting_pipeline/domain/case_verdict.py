"""Did a step of a case turn out as it says? Every difference is a sentence: what was expected, what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from alerting_pipeline.domain.case import Case, Expected, Step
from alerting_pipeline.domain.evaluation import EvaluationResult
from alerting_pipeline.domain.violation import Happened

_EVENTS = ("opened", "reopened", "updated", "cleared", "withdrawn", "expired", "held")
_QUIET = ("pending", "calmed", "relapsed")
_FIRING = ("opened", "reopened", "updated", "unchanged", "relapsed")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went; no differences: as it says."""

    alert: str
    path: str
    case: str
    differences: tuple[str, ...]

    @property
    def is_passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.differences


def differences(
    case: Case, step: Step, columns: Sequence[str], result: EvaluationResult, happened: Sequence[Happened]
) -> Iterator[str]:
    """What is not as the step says. `columns` are the definition's entity columns, in its order."""
    if step.outcome is not None and result.outcome != step.outcome:
        yield f"expected the outcome {step.outcome}, got {result.outcome.value} ({result.reason})"
    elif step.outcome is None and result.outcome == "system_failure":
        yield f"could not be evaluated: {result.error or result.reason}"
        return
    left = {id(item): item for item in happened}
    for expected in step.expect:
        match = next((item for item in left.values() if is_meant(expected.entity, columns, item.entity)), None)
        if match is None:
            yield f"expected {_name(expected)} {expected.event or 'to fire'}, but nothing is known of it"
            continue
        del left[id(match)]
        yield from _compared(expected, match)
    if case.expect is None and not case.steps:
        return  # a case that states an outcome alone says nothing of entities
    for item in left.values():
        event = _event(item)
        if event in _EVENTS:
            yield f"did not expect {_shown(columns, item.entity)}, but it was {event}"


def _compared(expected: Expected, item: Happened) -> Iterator[str]:
    name, event = _name(expected), _event(item)
    if expected.event is not None and event != expected.event:
        is_still_held = expected.event == "held" and item.is_held and item.is_open
        if not is_still_held:
            yield f"expected {name} to be {expected.event}, got {event}"
    elif expected.event is None and event not in _FIRING:
        yield f"expected {name} to fire, got {event}"
    if expected.severity is not None and item.severity != expected.severity:
        yield f"expected severity {expected.severity} for {name}, got {item.severity}"
    if expected.deviance is not None and not _is_near(expected.deviance, item.deviance):
        yield f"expected deviance {expected.deviance} for {name}, got {_plain(item.deviance)}"
    if expected.summary is not None and item.summary != expected.summary:
        yield f'expected the summary "{expected.summary}" for {name}, got "{item.summary}"'


def _event(item: Happened) -> str:
    for wanted in (_EVENTS, _QUIET):
        if told := [event for event in item.events if event in wanted]:
            return told[-1]
    return "unchanged" if item.is_open else "over"


def is_meant(
    wanted: tuple[str, ...] | dict[str, str], columns: Sequence[str], entity: Mapping[str, str | None]
) -> bool:
    """Is it the entity that a case names: the same text, number or instant, column by column?"""
    pairs = wanted.items() if isinstance(wanted, dict) else zip(columns, wanted, strict=False)
    return all(_is_same(value, entity.get(column)) for column, value in pairs)


def _is_same(written: str, actual: str | None) -> bool:
    """The same text, number or instant: a case writes 1.50 or an hour in another zone as people do."""
    if actual is None:
        return written in ("null", "~", "")
    if written == actual:
        return True
    try:
        return Decimal(written) == Decimal(actual)
    except InvalidOperation:
        pass
    try:
        return _utc(written) == _utc(actual)
    except ValueError:
        return False


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _is_near(expected: Decimal, actual: Decimal | None) -> bool:
    """Equal to the digits written: 0.33 is a third, 0.333 as well, 0.34 is not."""
    return actual is not None and actual.is_finite() and round(actual, _digits(expected)) == expected


def _digits(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _name(expected: Expected) -> str:
    entity = expected.entity
    if isinstance(entity, dict):
        return ", ".join(f"{column}={value}" for column, value in entity.items())
    return ", ".join(entity)


def _shown(columns: Sequence[str], entity: Mapping[str, str | None]) -> str:
    return ", ".join(str(entity.get(column)) for column in columns)


def _plain(value: Decimal | None) -> str:
    return "none" if value is None else format(value.normalize(), "f")
