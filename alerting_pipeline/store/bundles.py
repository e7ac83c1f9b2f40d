"""What was held back becomes one message: a group's, or a destination's digest, in the transaction that settles it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from alerting_pipeline.domain.data_definition import OfIncidents
from alerting_pipeline.domain.holding import Fate, Flushed
from alerting_pipeline.domain.incident import Transition
from alerting_pipeline.domain.severity import rank
from alerting_pipeline.domain.system_definitions import SystemDefinition
from alerting_pipeline.rendering.announcement import Letter, Place, presentation_of
from alerting_pipeline.rendering.message import RESOLVING
from alerting_pipeline.rendering.notification import News
from alerting_pipeline.rendering.restraint import Restraint
from alerting_pipeline.rendering.roundup import EDITED, GroupState, digest, group
from alerting_pipeline.store.held import HeldRow, end_untold, hold_again, settle, with_incidents
from alerting_pipeline.store.message_groups import GroupRow, note_told
from alerting_pipeline.store.outbox import enqueue
from alerting_pipeline.store.roundups import Roundup, round_up

_ENDINGS = sorted(RESOLVING)
_UNSETTLED = "select held_id from ledger.held_notifications where group_id = %s and settled_at is null order by held_id"
_TO_THE_DIGEST = """
update ledger.held_notifications
set why = %s, reason = %s, due_at = %s, recipient = %s, group_id = null
where held_id = any(%s)
"""
# Of an incident that is held, or of an alert that was not judged when it was last evaluated: also what ended before.
_UNJUDGED = """
select h.held_id
from ledger.held_notifications as h
join ledger.incidents as i using (incident_id)
left join lateral (
    select e.outcome from ledger.evaluations as e where e.alert = i.alert order by e.evaluation_id desc limit 1
) as latest on true
where h.held_id = any(%s) and i.kind = 'business'
    and (i.held_since is not null or latest.outcome in ('data_failure', 'system_failure'))
"""


@dataclass(frozen=True, slots=True)
class Bundler:
    """Tells what was held back, within one transaction."""

    connection: Connection
    definitions: Mapping[str, OfIncidents | SystemDefinition]
    public_url: str
    restraint: Restraint

    @property
    def now(self) -> datetime:
        """The business instant at which it is told."""
        return self.restraint.now

    def tell_group(self, row: GroupRow, *, is_fresh: bool = False) -> Flushed:
        """Everything that waits in a group, in a message of its own or by a change of its earlier one.

        `is_fresh`: what waits was decided about in this very transaction.
        """
        waiting = list(self.connection.exec_driver_sql(_UNSETTLED, (row.group_id,)).scalars())
        held, ended = (waiting, 0) if is_fresh else self._still_to_tell(waiting)
        found = round_up(self.connection, "h.group_id = :group", {"group": row.group_id}, self.definitions)
        if not held or not found.parts:
            return Flushed(ended=ended)
        counted_for = None
        if row.messages == 0:
            counted_for, is_over_budget = self._spend(row, found, held)
            if is_over_budget:
                return Flushed(ended=ended)
        state = GroupState(row.group_id, row.messages, found.fresh, found.first_event, row.shared)
        told = group(Place(row.destination, row.channel), state, found.parts, self.public_url)
        if told.transition == EDITED and row.channel == "email":
            self._wait_for_more(held)  # mail can't be edited: a part that ended is no reason for another one
            return Flushed(ended=ended)
        enqueue(self.connection, [replace(told, counted_for=counted_for, told_at=self.now)])
        settle(self.connection, held, Fate.TOLD, self.now, told.delivery_id)
        is_over = all(part.ended == part.total for part in found.parts)
        note_told(self.connection, row.group_id, self.now, is_over=is_over)
        return Flushed(messages=1, told=len(held), ended=ended)

    def tell_digest(self, place: Place, waiting: Sequence[int]) -> Flushed:
        """These rows of one destination, as one message."""
        held, ended = self._still_to_tell(waiting)
        if not held:
            return Flushed(ended=ended)
        condition, given = "h.held_id = any(:held)", {"held": held}
        found = round_up(self.connection, condition, given, self.definitions)
        reasons = self.connection.exec_driver_sql(
            "select distinct reason from ledger.held_notifications where held_id = any(%s) order by 1 limit 5", (held,)
        )
        told = digest(place, found.parts, found.first_event, reasons.scalars(), self.public_url)
        enqueue(self.connection, [replace(told, told_at=self.now)])
        settle(self.connection, held, Fate.TOLD, self.now, told.delivery_id)
        return Flushed(messages=1, told=sum(part.total for part in found.parts), ended=ended)

    def letter(self, row: HeldRow, place: Place | None = None) -> Letter:
        """The letter that a row would have been."""
        presentation = presentation_of(row.incident, self.definitions.get(row.incident.alert))
        news = News(row.incident, Transition(row.transition), row.event_id, row.note, self.now)
        return Letter(news, presentation, place or row.place)

    def _still_to_tell(self, waiting: Sequence[int]) -> tuple[list[int], int]:
        """Without what ended before anybody was told, and what nobody is to hear of now after all. What can't be judged
        waits until it can: while the data below it is not to be believed, the business hears nothing of it.
        """
        over = end_untold(self.connection, waiting, _ENDINGS, self.now)
        muted: list[int] = []
        if self.restraint.is_silencing:
            rows = with_incidents(self.connection, waiting)
            letters = [(row, self.letter(row)) for row in rows if row.transition not in RESOLVING]
            again = [
                ([row.held_id], letter, hold)
                for row, letter in letters
                if (hold := self.restraint.muted(letter)) is not None
            ]
            hold_again(self.connection, again, {}, self.now)
            muted = [numbers[0] for numbers, _, _ in again]
        unjudged = self.connection.exec_driver_sql(_UNJUDGED, (list(waiting),)).scalars()
        left = set(waiting) - set(over) - set(muted) - set(unjudged)
        return sorted(left), len(set(over.values()))

    def _spend(self, row: GroupRow, found: Roundup, held: Sequence[int]) -> tuple[str | None, bool]:
        """Whose budget the first message of a group uses; where there is none left, it waits for the digest."""
        worst = min((part.worst[0] for part in found.parts), key=lambda incident: rank(incident.severity))
        holder = self.restraint.budgets.holder(row.destination, worst.alert, worst.severity)
        if holder is None or self.restraint.budgets.take(holder):
            return (None if holder is None else holder.name), False
        hold = self.restraint.digest_of(holder)
        self.connection.exec_driver_sql(
            _TO_THE_DIGEST, (hold.why.value, hold.reason, hold.due_at, hold.recipient, list(held))
        )
        return None, True

    def _wait_for_more(self, held: Sequence[int]) -> None:
        self.connection.exec_driver_sql(
            "update ledger.held_notifications set due_at = null where held_id = any(%s)", (list(held),)
        )
