"""What is held back, as the flush sees it: what is due becomes messages in the transaction that settles it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from alerting_pipeline.domain.holding import Fate, Flushed, Hold, Why
from alerting_pipeline.rendering.announcement import Letter, Place, letters, notifications_of
from alerting_pipeline.rendering.message import RESOLVING
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.bundles import Bundler
from alerting_pipeline.store.held import HeldRow, end_untold, hold_again, known_places, settle, with_incidents
from alerting_pipeline.store.message_groups import join, locked
from alerting_pipeline.store.outbox import enqueue
from alerting_pipeline.store.restraints import restraint_at

_DESTINATIONS = """
select distinct destination from ledger.held_notifications
where settled_at is null and due_at <= %s order by destination
"""
_DUE = text("""
select held_id, channel, why, group_id from ledger.held_notifications
where settled_at is null and due_at <= :now and destination = :destination
order by held_id for update skip locked
""")


@dataclass(frozen=True, slots=True)
class HeldLedger:
    """One transaction at a time. What is in force is read only where something is due."""

    engine: Engine
    announcer: Callable[[], Announcer]

    def due_destinations(self, now: datetime) -> list[str]:
        """Who has something to hear of."""
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(_DESTINATIONS, (now,)).scalars())

    @contextmanager
    def begin(self) -> Iterator[OpenHeldLedger]:
        """One transaction; an error takes everything back."""
        announcer = self.announcer()
        with self.engine.begin() as connection:
            yield OpenHeldLedger(connection, announcer)


@dataclass(frozen=True, slots=True)
class OpenHeldLedger:
    """What is held back, within one transaction."""

    connection: Connection
    announcer: Announcer

    def tell_due(self, destination: str, now: datetime) -> Flushed:
        """Tell it, or look again at what was silenced or inhibited; what somebody else is telling is left to them."""
        due = self.connection.execute(_DUE, {"now": now, "destination": destination}).all()
        if not due:
            return Flushed()
        bundler = self.announcer.bundler(self.connection, restraint_at(self.connection, self.announcer.directory, now))
        muted = [row.held_id for row in due if row.why in (Why.SILENCE, Why.INHIBITION)]
        done = self._look_again(bundler, muted) if muted else Flushed()
        groups = sorted({row.group_id for row in due if row.why == Why.GROUP})
        for group in locked(self.connection, groups, skip_busy=True):
            done += bundler.tell_group(group)
        digest = [row.held_id for row in due if row.why in (Why.DIGEST, Why.BUDGET)]
        if digest:
            done += bundler.tell_digest(Place(destination, due[0].channel), digest)
        return done

    def _look_again(self, bundler: Bundler, muted: list[int]) -> Flushed:
        """What is still open is decided about as if it happened now; it may be held back for another reason."""
        over = end_untold(self.connection, muted, sorted(RESOLVING), bundler.now)
        rows: dict[int, list[HeldRow]] = {}
        for row in with_incidents(self.connection, muted):
            rows.setdefault(row.incident.incident_id or 0, []).append(row)
        wanted = {number: self._letter(bundler, found[0]) for number, found in rows.items()}
        sorted_out = bundler.restraint.sort_out(wanted.values())
        numbers = {id(wanted[number]): [row.held_id for row in found] for number, found in rows.items()}
        self._hold(bundler, [(numbers[id(letter)], letter, hold) for letter, hold in sorted_out.held])
        done = Flushed(ended=len(set(over.values())))
        for letter in sorted_out.at_once:
            found = rows[letter.news.incident.incident_id or 0]
            for told in notifications_of([letter], self.announcer.directory.public_url):
                enqueue(self.connection, [told])
                settle(self.connection, [row.held_id for row in found], Fate.TOLD, bundler.now, told.delivery_id)
                done += Flushed(messages=1, told=1)
        return done

    def _hold(self, bundler: Bundler, again: list[tuple[list[int], Letter, Hold]]) -> None:
        groups = join(self.connection, [(letter, hold) for _, letter, hold in again], bundler.now)
        hold_again(self.connection, again, groups, bundler.now)
        for group in {group.group_id: group for group in groups.values()}.values():
            if group.due_at(bundler.now) <= bundler.now:
                bundler.tell_group(group, is_fresh=group.messages == 0)

    def _letter(self, bundler: Bundler, row: HeldRow) -> Letter:
        """As routing sees it now; where it no longer leads there, the destination is told all the same: it was due."""
        plain = bundler.letter(row)
        number = row.incident.incident_id or 0
        known = known_places(self.connection, [number], but_pending=True)
        routed = letters([plain.news], bundler.definitions, self.announcer.directory, known)
        return next((letter for letter in routed if letter.place.name == row.place.name), plain)
