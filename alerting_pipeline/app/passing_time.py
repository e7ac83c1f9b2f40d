"""What time alone brings about, wherever a process lives long enough to notice: the clock's job, a pass, a worker.

Any number of processes may do it at once, as often as they like: each step costs what is due, and does it once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alerting_pipeline.app.drafting import alert_requests
from alerting_pipeline.app.parameter_sheets import read_sheets
from alerting_pipeline.app.watching import notice
from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from alerting_pipeline.app import App


def pass_time(app: App, now: datetime, witness: str | None = None) -> list[str]:
    """Do what is due at the business instant `now`; returns what failed, a phrase each, which keeps nothing else.

    `witness` is the part that does it, if it is one that beats.
    """
    from alerting_pipeline.usecases.remind import remind

    failures = []
    # Incidents first: what they have to say may be held back, and be due in the same look.
    for name, step in (
        ("what people did with tickets", lambda: _read_tickets(app, now)),
        ("the clock of incidents", lambda: remind(app.due_incidents, now)),
        ("what fell silent", lambda: notice(app, now, witness)),
        ("parameter sheets", lambda: read_sheets(app, now)),
        ("requests to change parameters", lambda: app.tuning(now).expire()),
        ("requests for new alerts", lambda: alert_requests(app, now).expire()),
        ("what was held back", lambda: tell_held_back(app, now)),
        ("noise budgets", lambda: _weigh_budgets(app, now)),
    ):
        try:
            step()
        except Exception as error:
            failures.append(f"{name} ({type(error).__name__}): {error}")
    return failures


def _read_tickets(app: App, now: datetime) -> None:
    from alerting_pipeline.usecases.read_tickets import read_tickets

    readings = read_tickets(app.ticket_queues, app.ticket_book, app.incident_desk, now)
    if failed := [f"{each.destination}: {each.failure}" for each in readings if each.failure]:
        raise AlertingError("; ".join(failed))


def _weigh_budgets(app: App, now: datetime) -> None:
    from alerting_pipeline.store.clock import FixedClock
    from alerting_pipeline.usecases.weigh_budgets import Responsible, weigh_budgets

    def responsible() -> Responsible:
        held = app.definition_ledger.in_force()
        return Responsible(held.people, {name: each.owner for name, each in held.of_incidents.items()})

    weigh_budgets(app.budget_uses, replace(app.system_incidents, clock=FixedClock(now)), responsible, now)


def tell_held_back(app: App, now: datetime) -> None:
    """Tell what was held back and is due. Raises AlertingError for what could not be told, after all the rest was."""
    from alerting_pipeline.usecases.flush import flush

    if failed := flush(app.held_ledger, now).failed:
        raise AlertingError("; ".join(failed))
