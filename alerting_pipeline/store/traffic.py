"""What went to each destination, counted: for the nodes of the lineage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class Traffic:
    """One destination's deliveries so far."""

    destination: str
    sent: int
    dead: int
    waiting: int
    last_sent_at: datetime | None

    @property
    def finished(self) -> int:
        """Deliveries that came to an end. It only grows, so a difference never misses one that was committed late."""
        return self.sent + self.dead


def traffic(engine: Engine) -> list[Traffic]:
    """Every destination that something was ever meant for, by name."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
            select
                destination,
                count(*) filter (where status = 'sent') as sent,
                count(*) filter (where status = 'dead') as dead,
                count(*) filter (where status in ('waiting', 'leased')) as waiting,
                max(sent_at) as last_sent_at
            from ledger.outbox group by destination order by destination
            """)
        ).all()
    return [Traffic(*row) for row in rows]


def is_left_waiting(engine: Engine, seconds: float) -> bool:
    """Has a delivery been due for longer than `seconds`, so that no worker seems to be at work?"""
    with engine.connect() as connection:
        return connection.execute(
            text("""
            select exists (
                select from ledger.outbox
                where status = 'waiting' and next_attempt_at < clock_timestamp() - make_interval(secs => :seconds)
            )
            """),
            {"seconds": seconds},
        ).scalar_one()
