"""What a set of definition files changes against another one, and which policies the changed ones break.

A policy is what a reviewer would ask for anyway: a case that shows the rule, a runbook for whoever is woken, and a
volume that its readers said they can bear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from alerting_pipeline.domain.backtest import Report, Side
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_override import SystemOverride
from alerting_pipeline.domain.version_history import Difference, differences


class Change(StrEnum):
    """What became of a definition."""

    ADDED = "added"
    CHANGED = "changed"
    RENAMED = "renamed"
    REMOVED = "removed"
    REROUTED = "rerouted"


@dataclass(frozen=True, slots=True)
class Changed:
    """One definition: as it was (None: it is new), as it is (None: it is gone), and what differs."""

    name: str
    change: Change
    before: Definition | None
    after: Definition | None
    differences: tuple[Difference, ...] = ()

    @property
    def definition(self) -> Definition:
        """The one that is shown: as it is, or as it was."""
        found = self.after or self.before
        if found is None:
            raise LookupError(f"{self.name} was not and is not: that is no change")
        return found

    @property
    def kind(self) -> str:
        """In a word."""
        if isinstance(self.definition, ReportDefinition):
            return "report"
        if isinstance(self.definition, SystemOverride):
            return "system"
        return "data" if isinstance(self.definition, DataDefinition) else "alert"

    @property
    def alerts(self) -> tuple[AlertDefinition | None, AlertDefinition | None]:
        """Before and after, as far as they are business alerts, whose past can be replayed."""
        before = self.before if isinstance(self.before, AlertDefinition) else None
        return before, self.after if isinstance(self.after, AlertDefinition) else None


@dataclass(frozen=True, slots=True)
class Broken:
    """A policy that a definition breaks: its rule, what is wrong, and what to do."""

    name: str
    rule: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Planned:
    """One change. `report` None: it has no past to replay (`unknown` says why), or no replay was asked for."""

    changed: Changed
    report: Report | None = None
    unknown: str = ""
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes against `base`, and the names of what stays as it is."""

    base: str
    planned: tuple[Planned, ...]
    unchanged: int
    days: int
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> list[Broken]:
        """Every policy that is broken."""
        return [each for item in self.planned for each in item.broken]


def changes(before: Mapping[str, Definition], after: Mapping[str, Definition]) -> list[Changed]:
    """The definitions that differ, by name; one that only moved to another file does not."""
    earlier = {
        name: origin
        for name, each in after.items()
        if (origin := str(getattr(each, "renamed_from", ""))) in before and origin not in after and name not in before
    }
    taken = set(earlier.values())
    found = []
    for name in sorted({*before, *after} - taken):
        old, new = before.get(earlier.get(name, name)), after.get(name)
        if old is not None and new is not None and name not in earlier and old.version_id == new.version_id:
            continue
        change = Change.CHANGED
        if old is None or new is None:
            change = Change.ADDED if old is None else Change.REMOVED
        elif name in earlier:
            change = Change.RENAMED
        differing = differences(_body(old), _body(new)) if old is not None and new is not None else []
        found.append(Changed(name, change, old, new, tuple(differing)))
    return found


def broken(changed: Changed, report: Report | None) -> Iterator[Broken]:
    """The policies that a definition breaks as it is now. `report`: the replay of it; None: it has none."""
    definition = changed.after
    if definition is None:
        return
    if changed.change is not Change.REROUTED:
        yield from _incomplete(definition)
    side = None if report is None else report.shown
    if side is None or not isinstance(definition, AlertDefinition):
        return
    for each in side.recipients:
        if each.over_budget:
            what = f"would put {each.over_budget:.0%} of what {each.recipient} gets over its budget of {each.budget}"
            yield Broken(changed.name, "budget", what, "make it rarer, or agree on another budget in people.yaml")
    expected = definition.expected_per_week
    if changed.change is Change.REROUTED or expected is None:
        return
    if side.incidents_per_week > float(expected):
        what = f"would open {side.incidents_per_week:.1f} incidents a week where expected_per_week says {expected}"
        yield Broken(changed.name, "expected", what, "make it rarer, or correct expected_per_week")


def _incomplete(definition: Definition) -> Iterator[Broken]:
    """What a definition lacks that its kind can have: a report has no runbook, a built-in one no cases."""
    keys = type(definition).model_fields
    if "cases" in keys and not getattr(definition, "cases", ()):
        yield Broken(definition.name, "case", "has no case", "add `cases:` with one that fires and one that does not")
    if "runbook" in keys and not getattr(definition, "runbook", None):
        yield Broken(definition.name, "runbook", "has no runbook", "add `runbook:` with what to do when it fires")


def messages_per_week(side: Side, weeks: float) -> float:
    """What people would get, rows of sheets and tables left out."""
    return side.messages / weeks if weeks else 0.0


def _body(definition: Definition) -> dict[str, Any]:
    return definition.model_dump(mode="json", by_alias=True)
