"""Heartbeats: every part says now and then that it lives, so that silence is noticed by the others.

A part is a role and not a process: of two delivery workers either keeps it alive, and one that is started again makes
up for one that was killed. Beats are told by the database's clock, never by the business clock: what is asked is
whether processes live now, whatever instant the business is at.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, text

from alerting_pipeline.domain.pulse import PATIENCE, Beat, Witness

PREFIX = "beat:"
DEAD_MAN = "ping:dead man"


@dataclass(frozen=True, slots=True)
class Pulse:
    """The heartbeats of all parts. Each call is one short transaction."""

    engine: Engine

    def beat(self, part: str, every_seconds: float) -> None:
        """The part lives, and means to say so this often."""
        with self.engine.begin() as connection:
            connection.execute(
                text(f"""
                insert into ledger.heartbeats as h (part, at, detail)
                select :part, now, jsonb_build_object('every_seconds', :every, 'since', now, 'before', now)
                from clock_timestamp() as now
                on conflict (part) do update set at = excluded.at, detail = excluded.detail || case
                    when h.detail ? 'is_resting' then '{{}}'
                    when h.at < excluded.at - {PATIENCE} * make_interval(secs => :every) then '{{}}'
                    else jsonb_build_object('since', coalesce(h.detail -> 'since', to_jsonb(h.at)), 'before', h.at)
                end
                """),
                {"part": f"{PREFIX}{part}", "every": every_seconds},
            )

    def rest(self, parts: Collection[str]) -> None:
        """These parts are stopped in an orderly way: nobody waits for them until they beat again."""
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                update ledger.heartbeats set detail = detail || '{"is_resting": true}' where part = any(:parts)
                """),
                {"parts": [f"{PREFIX}{part}" for part in parts]},
            )

    def falter(self, part: str) -> None:
        """The part fell, and is started again: it has been heard of from now on only."""
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                update ledger.heartbeats as h set
                    detail = h.detail || jsonb_build_object('since', clock_timestamp(), 'before', clock_timestamp())
                where part = :part
                """),
                {"part": f"{PREFIX}{part}"},
            )

    def beats(self) -> list[Beat]:
        """Every part that was ever heard of, by name."""
        query = f"""
            select v.part, last_beat_at, every, is_resting, is_overdue,
                clock_timestamp() - (h.detail ->> 'since')::timestamptz as heard_for
            from alerting.heartbeats as v join ledger.heartbeats as h on h.part = '{PREFIX}' || v.part order by v.part
            """
        with self.engine.connect() as connection:
            return [Beat(*row) for row in connection.execute(text(query))]

    def overdue(self) -> list[Beat]:
        """The parts that are expected, and were not heard of for three times as long as they mean to be."""
        return [beat for beat in self.beats() if beat.is_overdue]

    def witness(self, part: str) -> Witness | None:
        """Since when this part has been there to hear the others; None where it never was."""
        with self.engine.connect() as connection:
            row = connection.execute(
                text("""
                select clock_timestamp(), (detail ->> 'since')::timestamptz, (detail ->> 'before')::timestamptz
                from ledger.heartbeats where part = :part and detail ? 'before'
                """),
                {"part": f"{PREFIX}{part}"},
            ).first()
        return Witness(*row) if row is not None else None

    def note_ping(self, failure: str | None) -> None:
        """What came of calling the outside watcher; the address must not be in it."""
        self._write(DEAD_MAN, {"failure": failure})

    def last_ping(self) -> tuple[datetime, str | None] | None:
        """When the outside watcher was last called, and what failed; None where it never was."""
        with self.engine.connect() as connection:
            row = connection.execute(
                text("select at, detail ->> 'failure' from ledger.heartbeats where part = :part"), {"part": DEAD_MAN}
            ).first()
        return (row[0], row[1]) if row is not None else None

    def _write(self, part: str, detail: dict[str, object]) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text("""
                insert into ledger.heartbeats (part, at, detail)
                values (:part, clock_timestamp(), cast(:detail as jsonb))
                on conflict (part) do update set at = excluded.at, detail = excluded.detail
                """),
                {"part": part, "detail": json.dumps(detail)},
            )


@dataclass(slots=True)
class Heart:
    """One part's beating: call it as often as you like, it writes once in `every_seconds`."""

    beat: Callable[[str, float], None]
    part: str
    every_seconds: float
    _next: float = field(default=float("-inf"), init=False)

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self.every_seconds
            self.beat(self.part, self.every_seconds)
