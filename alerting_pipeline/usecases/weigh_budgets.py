"""Weigh what was said against what people want to hear: a budget that was exceeded is a task to calibrate its alerts.

There is one task per recipient, not per message; it stands while anything was above the budget within a week, and ends
by itself after one that stayed within it. While nobody is over their budget, a look asks two short questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.budget_use import BudgetUse, finding
from alerting_pipeline.domain.noise_budget import NOISE_BUDGET
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.recipient import Recipient, recipients_with_budget
from alerting_pipeline.domain.system_definitions import SystemFinding


class Uses(Protocol):
    """What was used of the budgets."""

    def over(self, now: datetime) -> Sequence[str]: ...

    def of(self, recipients: Iterable[Recipient], now: datetime) -> Sequence[BudgetUse]: ...


class Tasks(Protocol):
    """Where tasks are opened and ended."""

    def settle(self, alert: str, findings: Sequence[SystemFinding]) -> None: ...


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who wants to hear how much, and which team owns which alert."""

    people: People
    owners: Mapping[str, str]


def weigh_budgets(uses: Uses, tasks: Tasks, responsible: Callable[[], Responsible], now: datetime) -> list[BudgetUse]:
    """Open the task of everybody who was over budget within a week before `now`, end the others; returns who was.

    `responsible` is asked only where somebody was. Whoever has no budget any more is over none.
    """
    names = uses.over(now)
    if not names:
        tasks.settle(NOISE_BUDGET, [])
        return []
    held = responsible()
    known = recipients_with_budget(held.people)
    found = [use for use in uses.of((known[name] for name in names if name in known), now) if use.is_over]
    tasks.settle(NOISE_BUDGET, [finding(use, held.owners, held.people) for use in found])
    return found
