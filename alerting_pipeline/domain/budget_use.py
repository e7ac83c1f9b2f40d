"""What of a recipient's noise budget was used, by which alerts, and what that asks of whoever can calibrate them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerting_pipeline.domain.noise_budget import NOISE_BUDGET
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.recipient import Recipient
from alerting_pipeline.domain.system_definitions import SystemFinding

WEEK = timedelta(days=7)
"""A task to calibrate ends when so long nothing was above the budget, whatever length of time the budget is for."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Messages of the last week by alert: those that were told at once and counted, and those above the budget, which
    were kept for the digest. `used` are those of the budget's own window.
    """

    recipient: Recipient
    used: int = 0
    told: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Was anything above it in the last week?"""
        return bool(self.kept)

    @property
    def limit(self) -> str:
        """The budget in words."""
        budget = self.recipient.budget
        return "none" if budget is None else f"{budget.messages} per {budget.per}"

    @property
    def alerts(self) -> tuple[str, ...]:
        """The alerts that said the most, first."""
        total = Counter(self.told) + Counter(self.kept)
        return tuple(sorted(total, key=lambda alert: (-total[alert], alert)))

    def share(self, alert: str) -> float:
        """The alert's share of everything that there was to say, from 0 to 1."""
        total = sum(self.told.values()) + sum(self.kept.values())
        return (self.told.get(alert, 0) + self.kept.get(alert, 0)) / total if total else 0.0


def finding(use: BudgetUse, owners: Mapping[str, str], people: People) -> SystemFinding:
    """The task to calibrate, for the team that owns the alert with the most to say; `owners` are those by alert.

    What no file owns any more is left to the team of the recipient, and if there is none, to the definition's owner.
    """
    alerts = use.alerts[:_NAMED]
    said = ", ".join(f"{alert} {use.told.get(alert, 0) + use.kept.get(alert, 0)}" for alert in alerts)
    more = f" and {len(use.alerts) - _NAMED} more" if len(use.alerts) > _NAMED else ""
    name, kept = use.recipient.name, sum(use.kept.values())
    messages = "1 message is" if kept == 1 else f"{kept:,} messages are"
    owner = next((owners[alert] for alert in alerts if alert in owners), None) or _team_of(name, people)
    return SystemFinding(
        NOISE_BUDGET,
        {"recipient": name},
        f"{name}: {messages} above {use.limit} within a week, and come in a digest; by alert: {said}{more}.",
        {"budget": use.limit, "told_at_once": sum(use.told.values()), "kept_for_the_digest": kept, "alerts": said},
        owner,
    )


def _team_of(name: str, people: People) -> str | None:
    if name in people.teams:
        return name
    return next((team for team, each in people.teams.items() if name in each.everybody), None)
