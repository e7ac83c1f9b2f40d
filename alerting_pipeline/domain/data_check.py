"""What the checks of a data definition came to: from what was observed to a verdict, without looking at anything.

Each check has one of four states. An empty model, or a column that is NULL in every row, leaves a check unjudged: that
is no proof of anything, so it neither fails nor clears. Sentences hold numbers and names of columns, never values of
rows: they go to chat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from alerting_pipeline.domain.data_definition import (
    FRESHNESS,
    SCHEMA,
    VOLUME,
    DataDefinition,
    Freshness,
    Schema,
    Volume,
    share_text,
)
from alerting_pipeline.domain.evaluation import Outcome, Verdict
from alerting_pipeline.domain.sql_fragment import type_name
from alerting_pipeline.domain.written import duration_text

LEAST_HISTORY = 3
"""With fewer earlier days or loads than this there is no usual number to compare with."""


class State(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    UNJUDGED = "not judged"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its state, and a sentence with the numbers. `sample`: a few failing values."""

    name: str
    state: State
    says: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What plain SQL saw of a model. `counts` has the rows of each day or load, oldest first; empty ones are there.

    `newest` is None where the freshness column is NULL in every row; `columns` maps names to types.
    """

    is_empty: bool = False
    newest: datetime | None = None
    counts: tuple[tuple[date | str, int], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """The columns at the last evaluation; `is_accepted`: a person resolved the incident about what changed since."""

    columns: Mapping[str, str] | None = None
    is_accepted: bool = False


def checks(definition: DataDefinition, facts: Facts, seen: Seen, as_of: datetime) -> Iterator[Check]:
    """The checks that plain SQL can judge."""
    if definition.freshness is not None:
        yield _fresh(definition.freshness, facts, as_of)
    if definition.volume is not None:
        yield _volume(definition.volume, facts)
    if definition.schema_ is not None:
        yield _schema(definition.schema_, facts.columns, seen)


def decide(found: Sequence[Check]) -> Verdict:
    """One outcome for all checks. A failure is certain whatever else could not be judged; an error clears nothing."""
    failed = [check for check in found if check.state is State.FAILED]
    broken = [check for check in found if check.state is State.BROKEN]
    unjudged = [check for check in found if check.state is State.UNJUDGED]
    if failed:
        return Verdict(Outcome.FIRING, f"{len(failed)} of {_counted(len(found))} failed: {_said(failed)}")
    if broken:
        return Verdict(Outcome.SYSTEM_FAILURE, f"{_said(broken)}; nothing is opened or cleared")
    if unjudged:
        return Verdict(Outcome.NO_DATA, f"{_said(unjudged)}; nothing is opened or cleared")
    notes = [check for check in found if check.name == SCHEMA and "changed" in check.says]
    return Verdict(Outcome.CLEAR, f"{_counted(len(found))} passed{f'; {_said(notes)}' if notes else ''}")


def summary(definition: DataDefinition, found: Sequence[Check], held: Sequence[str]) -> str:
    """What people are told: the failing checks with their numbers, and what waits for them to pass."""
    failed = [check for check in found if check.state is State.FAILED]
    waits = f" Held until it passes: {', '.join(held)}." if held else ""
    return f"{definition.model}: {_said(failed)}.{waits}"


def fields(found: Sequence[Check], held: Sequence[str]) -> dict[str, Any]:
    """The same as fields of the incident."""
    shown = {check.name: check.says for check in found if check.state is State.FAILED}
    return {**shown, "alerts_held": ", ".join(held) or "none"}


def table(found: Sequence[Check]) -> list[dict[str, Any]]:
    """Every check as a row, those that need a look first: for the ledger and for Dagster."""
    order = (State.FAILED, State.BROKEN, State.UNJUDGED, State.PASSED)
    ranked = sorted(found, key=lambda check: order.index(check.state))
    return [
        {"check": each.name, "state": each.state.value, "says": each.says, "sample": ", ".join(each.sample)}
        for each in ranked
    ]


def _fresh(freshness: Freshness, facts: Facts, as_of: datetime) -> Check:
    if facts.newest is None:
        why = "the model is empty" if facts.is_empty else f"{freshness.column} is NULL in every row"
        return Check(FRESHNESS, State.UNJUDGED, f"{why}, so nothing can be fresh or stale")
    age = max(as_of - facts.newest, timedelta(0))
    says = f"the newest {freshness.column} is {_age(age)} old, {duration_text(freshness.within)} are allowed"
    return Check(FRESHNESS, State.PASSED if age <= freshness.within else State.FAILED, says)


def _volume(volume: Volume, facts: Facts) -> Check:
    unit = "day" if volume.per == "day" else "load"
    if not facts.counts:
        return Check(VOLUME, State.UNJUDGED, f"there is no complete {unit} of {volume.column} to judge")
    *earlier, (newest, number) = facts.counts
    if len(earlier) < LEAST_HISTORY:
        says = f"{_rows(number)} of {unit} {newest}; {len(earlier)} earlier {unit}s are too few to compare with"
        return Check(VOLUME, State.PASSED, says)
    usual = median(count for _, count in earlier)
    says = f"{_rows(number)} of {unit} {newest}, usual are {usual:,g} (median of {len(earlier)} {unit}s before)"
    if volume.at_least is not None and number < usual * float(volume.at_least):
        return Check(VOLUME, State.FAILED, f"{says}, at least {share_text(volume.at_least)} of it must come")
    if volume.at_most is not None and number > usual * float(volume.at_most):
        return Check(VOLUME, State.FAILED, f"{says}, at most {share_text(volume.at_most)} of it may come")
    return Check(VOLUME, State.PASSED, says)


def _schema(schema: Schema, columns: Mapping[str, str], seen: Seen) -> Check:
    wrong = [
        f"{name} is missing" if name not in columns else f"{name} is {columns[name]}, not {wanted}"
        for name, wanted in schema.columns.items()
        if name not in columns or not is_type(wanted, columns[name])
    ]
    changed = _changes(seen.columns, columns) if schema.on_change != "ignore" else []
    if schema.on_change == "fail" and not seen.is_accepted:
        wrong += changed
    if wrong:
        return Check(SCHEMA, State.FAILED, "; ".join(wrong))
    note = f", changed since the last evaluation: {'; '.join(changed)}" if changed else ""
    return Check(SCHEMA, State.PASSED, f"{len(columns)} columns{note}")


def is_schema_accepted(definition: DataDefinition, found: Sequence[Check]) -> bool:
    """Are the columns as they are now what the next evaluation compares with? Not while their change is a failure."""
    schema = definition.schema_
    if schema is None or schema.on_change != "fail":
        return True
    return all(check.state is not State.FAILED for check in found if check.name == SCHEMA)


def is_type(wanted: str, actual: str) -> bool:
    """Are two spellings the same type? `any` is every type."""
    return wanted == "any" or _canonical(wanted) == _canonical(actual)


def _canonical(kind: str) -> str:
    name = type_name(kind)
    return _ALIASES.get(name, name)


_ALIASES = {
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone", "decimal": "numeric",
    "int": "integer", "int4": "integer", "int8": "bigint", "int2": "smallint", "float8": "double precision",
    "float": "double precision", "float4": "real", "bool": "boolean", "varchar": "character varying",
}  # fmt: skip


def _changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    if before is None:
        return []
    gone = [f"{name} is gone" for name in sorted(before.keys() - now.keys())]
    new = [f"{name} is new" for name in sorted(now.keys() - before.keys())]
    kept = sorted(before.keys() & now.keys())
    return [*gone, *new, *(f"{name} was {before[name]}, is {now[name]}" for name in kept if before[name] != now[name])]


def _age(age: timedelta) -> str:
    """Days, hours and minutes; the seconds of a day-old row say nothing."""
    return duration_text(timedelta(minutes=age // timedelta(minutes=1)))


def _said(found: Sequence[Check]) -> str:
    return "; ".join(f"{check.name}: {check.says}" for check in found)


def _counted(number: int) -> str:
    return "1 check" if number == 1 else f"{number} checks"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
