"""How an alert fared in its last evaluations: for the check on its node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier evaluation. `violations` says nothing where the outcome is no judgement."""

    outcome: str
    violations: int


def last_evaluations(engine: Engine, alerts: Sequence[str], count: int = 20) -> dict[str, list[Past]]:
    """The last `count` evaluations of each alert, oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
            select a.alert, e.outcome, e.violations
            from unnest(cast(:alerts as text[])) as a (alert)
            cross join lateral (
                select evaluation_id, outcome, violations from ledger.evaluations
                where alert = a.alert order by evaluation_id desc limit :count
            ) e
            order by a.alert, e.evaluation_id
            """),
            {"alerts": list(alerts), "count": count},
        ).all()
    found: dict[str, list[Past]] = {alert: [] for alert in alerts}
    for alert, outcome, violations in rows:
        found[alert].append(Past(outcome, violations))
    return found
