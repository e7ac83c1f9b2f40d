"""The business clock: the database's, or one fixed instant for a story that is told at that instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class DatabaseClock:
    """The database's clock, so that several machines agree on what is due."""

    engine: Engine

    def now(self) -> datetime:
        with self.engine.connect() as connection:
            return connection.execute(text("select clock_timestamp()")).scalar_one().astimezone(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Always the same instant."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant
