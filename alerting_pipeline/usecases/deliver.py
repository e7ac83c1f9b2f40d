"""Hand over what waits in the outbox: claim, send, record; over and over, until told to stop.

Each destination has a lane of its own: one thread, a token bucket, a circuit breaker. What is slow or broken there
stays there. The result of every attempt is recorded before the next one of that lane starts, except where the
destination knows deliveries by their key and takes many at once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerting_pipeline.domain.lane import Lane, Tally
from alerting_pipeline.domain.pacing import Bucket, Flow, Pace, Retry
from alerting_pipeline.domain.ports import (
    Batching,
    Channel,
    Claim,
    Delivery,
    Failure,
    Joining,
    Outbox,
    Receipt,
    Revisable,
    Undelivered,
)
from alerting_pipeline.domain.waypoint import Passing, Waypoint, unobserved

ChannelFor = Callable[[Delivery], Channel]
Tell = Callable[[Exception], None]
Answered = list[tuple[Claim, Receipt | Undelivered]]
_FRUITLESS_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """How the worker works. `deadline` (seconds for one attempt) must be shorter than half of the outbox's lease.

    `passing` is called at each waypoint of a delivery. `tell` hears of errors that no delivery is to blame for, such as
    a database that is down. `beat` is called by every turn of the loop of `run`, to show that it turns.
    """

    retry: Retry = field(default_factory=Retry)
    deadline: float = 50.0
    each: int = 50
    poll: float = 1.0
    most_lost_threads: int = 3
    passing: Passing = unobserved
    tell: Tell = lambda error: None
    beat: Callable[[], None] = lambda: None


class DeliveryWorker:
    """A worker over one outbox. `run` works until `stop` is called; `drain` until nothing is due any more."""

    def __init__(self, outbox: Outbox, channel_for: ChannelFor, terms: Terms | None = None) -> None:
        self.tally = Tally()
        self._outbox = outbox
        self._channel_for = channel_for
        self._terms = terms or Terms()
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End soon: attempts under way are finished, leases not yet used are given back. Safe in a signal handler."""
        self._stopping.set()

    def run(self) -> Tally:
        """Work until `stop`. While the outbox can't be reached, wait and try again."""
        threading.Thread(target=self._listen, name="outbox listener", daemon=True).start()
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._terms.beat()
                pause = 0.0 if self._start_due() else self._seconds_of_rest()
            except Exception as error:
                self._terms.tell(error)
                pause = self._terms.poll
            self._give_up_overdue()
            self._sleep(pause)
        self._finish(within=4.0)
        return self.tally

    def drain(self) -> Tally:
        """Deliver all that is due now, and what becomes due by that; waits for paces, not for retries."""
        fruitless = 0
        while not self._stopping.is_set():
            self._wake.clear()
            if self._start_due():
                fruitless = 0
                continue
            self._give_up_overdue()
            now = time.monotonic()
            with self._lock:
                is_at_work = any(lane.is_busy for lane in self._lanes.values())
                waits = [lane.flow.bucket.seconds_until_room(now) for lane in self._lanes.values()]
            pauses = [wait for wait in waits if wait > 0]
            if not is_at_work:
                # Due but not to be had: a bucket that is just filling, another worker's, or a breaker that is open.
                fruitless += not pauses
                if self._outbox.seconds_until_due() != 0 or fruitless > _FRUITLESS_LOOKS:
                    break
            self._wake.wait(min([0.25 if is_at_work else 0.01, *pauses]))
        self._finish(within=4.0)
        return self.tally

    # --- claiming -----------------------------------------------------------------------------------------------------

    def _start_due(self) -> int:
        now = time.monotonic()
        claims = self._outbox.claim(self._terms.each, self._room(now))
        if not claims:
            return 0
        self._terms.passing(Waypoint.AFTER_CLAIM)
        by_destination: dict[str, list[Claim]] = {}
        for claim in claims:
            by_destination.setdefault(claim.delivery.destination, []).append(claim)
        for destination, work in by_destination.items():
            self._start(destination, work, now)
        return len(claims)

    def _room(self, now: float) -> dict[str, int]:
        """What each known lane may take; one that is not known yet takes the worker's default."""
        with self._lock:
            return {
                name: 0 if lane.is_busy or lane.lost > self._terms.most_lost_threads else lane.flow.room(now)
                for name, lane in self._lanes.items()
            }

    def _seconds_of_rest(self) -> float:
        """How long nothing happens by itself: until a retry is due, or a lane has room again."""
        now = time.monotonic()
        with self._lock:
            rests = [rest for lane in self._lanes.values() if (rest := lane.flow.rest(now)) > 0]
        due = self._outbox.seconds_until_due()
        return max(0.005, min([self._terms.poll, *rests, *([due] if due else [])]))

    def _start(self, destination: str, work: list[Claim], claimed_at: float) -> None:
        with self._lock:
            lane = self._lanes.setdefault(destination, Lane(Flow(Bucket.full(Pace(), claimed_at))))
            lane.is_busy, lane.run = True, lane.run + 1
            run = lane.run
        arguments = (lane, run, work, claimed_at)
        threading.Thread(target=self._work, args=arguments, name=f"deliver {destination}", daemon=True).start()

    def _sleep(self, seconds: float) -> None:
        """Until something happens, in slices, so that `stop` need not take a lock within a signal handler."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stopping.is_set():
            if self._wake.wait(min(left, 0.25)):
                return

    # --- one lane's thread --------------------------------------------------------------------------------------------

    def _work(self, lane: Lane, run: int, work: list[Claim], claimed_at: float) -> None:
        left = list(work)
        try:
            self._work_off(lane, run, left, claimed_at)
            if left:
                self._outbox.release(left)
        except Exception as error:  # the outbox: what is unrecorded keeps its lease, and is tried again after it
            self._terms.tell(error)
        finally:
            with self._lock:
                if lane.run == run:
                    lane.is_busy, lane.under_way = False, ()
                else:
                    lane.lost -= 1
            self._wake.set()

    def _work_off(self, lane: Lane, run: int, left: list[Claim], claimed_at: float) -> None:
        try:
            channel = self._channel_for(left[0].delivery)
        except Undelivered as error:  # its settings are wrong: no attempt can succeed
            self._failed(lane, run, [(left.pop(0), error) for _ in list(left)])
            return
        pace = getattr(channel, "pace", None)
        with self._lock:
            if isinstance(pace, Pace) and not lane.is_paced:
                lane.flow, lane.is_paced = Flow(Bucket.full(pace, time.monotonic()), lane.flow.breaker), True
        takes_many = isinstance(channel, Batching) and all(claim.delivery.attempt == 1 for claim in left)
        while left and not self._must_hand_back(lane, run, claimed_at):
            count = len(left) if takes_many else 1
            part, left[:count] = left[:count], []
            self._send(lane, run, channel, part)

    def _must_hand_back(self, lane: Lane, run: int, claimed_at: float) -> bool:
        now = time.monotonic()
        with self._lock:
            is_blocked = lane.run != run or lane.flow.room(now) < 1
        return is_blocked or self._stopping.is_set() or now - claimed_at > self._terms.deadline

    def _send(self, lane: Lane, run: int, channel: Channel, part: list[Claim]) -> None:
        with self._lock:
            lane.under_way, lane.since = tuple(part), time.monotonic()
            lane.flow = lane.flow.take(len(part), lane.since)
        self._terms.passing(Waypoint.BEFORE_SEND)
        is_recorded = isinstance(channel, Joining)
        try:
            answered = self._join(channel, part) if is_recorded else self._answered(channel, part)
        except Undelivered as error:
            answered = [(claim, error) for claim in part]
        except Exception as error:  # a defect of an adapter is one destination's trouble, and may pass
            failure = Undelivered(f"{type(error).__name__}: {error}"[:500], retryable=True, is_uncertain=True)
            answered = [(claim, failure) for claim in part]
        with self._lock:
            if lane.run == run:
                lane.under_way = ()
        sent = [(claim, answer) for claim, answer in answered if isinstance(answer, Receipt)]
        self._sent(lane, sent, is_recorded=is_recorded)
        self._failed(lane, run, [(claim, answer) for claim, answer in answered if isinstance(answer, Undelivered)])

    def _join(self, channel: Joining, part: list[Claim]) -> Answered:
        """The effect and its receipt in one transaction: it happens exactly once, whenever the process dies."""
        self._refuse_endless(part[0])

        def write(transaction: Any, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
            answers = channel.deliver_within(transaction, deliveries)
            self._terms.passing(Waypoint.AFTER_SEND)
            return answers

        return self._outbox.record_with(part, write)

    def _answered(self, channel: Channel, part: list[Claim]) -> Answered:
        try:
            return list(zip(part, self._hand_over(channel, part), strict=True))
        finally:
            self._terms.passing(Waypoint.AFTER_SEND)

    def _hand_over(self, channel: Channel, part: list[Claim]) -> list[Receipt | Undelivered]:
        claim = part[0]
        self._refuse_endless(claim)
        if len(part) > 1 and isinstance(channel, Batching):
            return list(channel.deliver_batch([claim.delivery for claim in part]))
        if claim.earlier is not None and isinstance(channel, Revisable):
            return [channel.revise(claim.delivery, claim.earlier)]
        return [channel.deliver(claim.delivery)]

    def _refuse_endless(self, claim: Claim) -> None:
        if claim.delivery.attempt > 2 * self._terms.retry.attempts:
            raise Undelivered("the worker ended during every attempt", retryable=False, is_uncertain=True)

    # --- results ------------------------------------------------------------------------------------------------------

    def _sent(self, lane: Lane, sent: list[tuple[Claim, Receipt]], *, is_recorded: bool) -> None:
        if not sent:
            return
        held = len(sent) if is_recorded else self._record(lambda: self._outbox.record_sent(sent))
        self._terms.passing(Waypoint.AFTER_RECORD)
        with self._lock:
            lane.flow = lane.flow.after_success()
            self.tally.sent += held
            self.tally.possibly_twice += sum(receipt.is_duplicate_possible for _, receipt in sent)

    def _failed(self, lane: Lane, run: int, failed: list[tuple[Claim, Undelivered]]) -> None:
        """Record failed attempts. The destination rests if it asked for it, or fails again and again."""
        if not failed or lane.run != run:  # given up before, and recorded then
            return
        retry = self._terms.retry
        failures = []
        for claim, error in failed:
            is_dead = not error.retryable or claim.delivery.attempt >= retry.attempts
            chance = random.random()  # noqa: S311 - jitter, not a secret
            delay = max(retry.delay(claim.delivery.attempt, chance), error.retry_after or 0.0)
            again = None if is_dead else delay
            failures.append(Failure(claim, error.reason, again, error.is_uncertain, error.progress))
        last = failed[-1][1]
        with self._lock:
            if last.retryable:
                lane.flow = lane.flow.after_failure(time.monotonic(), last.retry_after)
            dead = sum(failure.retry_in is None for failure in failures)
            self.tally.dead += dead
            self.tally.failed += len(failures) - dead
        self._record(lambda: self._outbox.record_failed(failures))

    def _record(self, write: Callable[[], int]) -> int:
        """Write a result, patiently: a message that left but is not recorded would leave twice."""
        give_up = time.monotonic() + self._terms.deadline / 2
        while True:
            try:
                return write()
            except Exception as error:
                if time.monotonic() > give_up or self._stopping.is_set():
                    raise
                self._terms.tell(error)
                self._stopping.wait(0.5)

    def _give_up_overdue(self) -> None:
        """An attempt over its deadline is recorded as uncertain. Its thread can't be ended; a new one replaces it."""
        now = time.monotonic()
        with self._lock:
            overdue = [
                lane for lane in self._lanes.values() if lane.under_way and now - lane.since > self._terms.deadline
            ]
        reason = f"no answer within {self._terms.deadline:.0f} s"
        for lane in overdue:
            error = Undelivered(reason, retryable=True, is_uncertain=True)
            self._failed(lane, lane.run, [(claim, error) for claim in lane.under_way])
            with self._lock:
                lane.run, lane.lost, lane.is_busy, lane.under_way = lane.run + 1, lane.lost + 1, False, ()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._outbox.wait(0.5):
                    self._wake.set()
            except Exception as error:  # polling goes on without the signal
                self._terms.tell(error)
                self._stopping.wait(self._terms.poll)

    def _finish(self, within: float) -> None:
        """Wait for attempts under way; what does not end in time keeps its lease, and is tried again after it."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            with self._lock:
                if not any(lane.is_busy for lane in self._lanes.values()):
                    return
            self._wake.wait(0.02)
            self._wake.clear()
