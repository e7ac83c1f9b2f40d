"""The delivery worker against an outbox in memory: lanes, pace, breaker, deadline, a graceful end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from alerting_pipeline.domain.pacing import Pace, Retry
from alerting_pipeline.domain.ports import Claim, Delivery, Failure, Receipt, Undelivered
from alerting_pipeline.usecases.deliver import DeliveryWorker, Terms


@dataclass
class MemoryOutbox:
    """Keeps the promises of the outbox, in memory; its clock is the real one."""

    waiting: list[Delivery] = field(default_factory=list)
    due: dict[UUID, float] = field(default_factory=dict)
    leased: dict[UUID, Claim] = field(default_factory=dict)
    sent: list[UUID] = field(default_factory=list)
    dead: list[tuple[UUID, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    broken: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)
    signal: threading.Event = field(default_factory=threading.Event)
    fences: dict[UUID, int] = field(default_factory=dict)

    def put(self, *deliveries: Delivery) -> None:
        with self.lock:
            self.waiting += deliveries
        self.signal.set()

    def claim(self, each: int, room: Mapping[str, int]) -> list[Claim]:
        if self.broken:
            raise ConnectionError("the database is down")
        with self.lock:
            left, claims = {name: min(each, most) for name, most in room.items()}, []
            for item in list(self.waiting):
                space = left.setdefault(item.destination, each)
                if space > 0 and self.due.get(item.id, 0) <= time.monotonic():
                    left[item.destination] -= 1
                    self.waiting.remove(item)
                    self.fences[item.id] = self.fences.get(item.id, 0) + 1
                    claims.append(Claim(item, self.fences[item.id]))
                    self.leased[item.id] = claims[-1]
            return claims

    def _holds(self, claim: Claim) -> bool:
        held = self.leased.get(claim.delivery.id)
        return held is not None and held.fence == claim.fence

    def record_sent(self, sent: Sequence[tuple[Claim, Receipt]]) -> int:
        with self.lock:
            held = [claim for claim, _ in sent if self._holds(claim)]
            for claim in held:
                del self.leased[claim.delivery.id]
                self.sent.append(claim.delivery.id)
            return len(held)

    def record_with(
        self, claims: Sequence[Claim], write: Callable[[Any, Sequence[Delivery]], Sequence[Receipt | Undelivered]]
    ) -> list[tuple[Claim, Receipt | Undelivered]]:
        with self.lock:
            held = [claim for claim in claims if self._holds(claim)]
            answered = list(zip(held, write(self, [claim.delivery for claim in held]), strict=True))
            self.record_sent([(claim, answer) for claim, answer in answered if isinstance(answer, Receipt)])
            return answered

    def record_failed(self, failures: Sequence[Failure]) -> int:
        with self.lock:
            held = [failure for failure in failures if self._holds(failure.claim)]
            for failure in held:
                delivery = failure.claim.delivery
                del self.leased[delivery.id]
                self.failures.append(failure)
                if failure.retry_in is None:
                    self.dead.append((delivery.id, failure.reason))
                else:
                    self.due[delivery.id] = time.monotonic() + failure.retry_in
                    again = replace(delivery, attempt=delivery.attempt + 1, is_uncertain=failure.is_uncertain)
                    self.waiting.append(again)
            return len(held)

    def release(self, claims: Sequence[Claim]) -> int:
        with self.lock:
            for claim in claims:
                if self._holds(claim):
                    del self.leased[claim.delivery.id]
                    self.waiting.insert(0, claim.delivery)
            return len(claims)

    def seconds_until_due(self) -> float | None:
        with self.lock:
            now = time.monotonic()
            return min((max(0.0, self.due.get(item.id, 0) - now) for item in self.waiting), default=None)

    def wait(self, seconds: float) -> bool:
        got = self.signal.wait(seconds)
        self.signal.clear()
        return got


@dataclass
class FakeChannel:
    """Takes what it is given; `act` may raise, or take its time."""

    act: Callable[[Delivery], None] = lambda delivery: None
    pace: Pace = field(default_factory=Pace)
    taken: list[tuple[UUID, float]] = field(default_factory=list)

    def deliver(self, delivery: Delivery) -> Receipt:
        self.act(delivery)
        self.taken.append((delivery.id, time.monotonic()))
        return Receipt({"n": len(self.taken)})


@dataclass
class BatchChannel(FakeChannel):
    batches: list[int] = field(default_factory=list)

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> list[Receipt | Undelivered]:
        self.batches.append(len(deliveries))
        return [self.deliver(item) for item in deliveries]


QUICK = Terms(retry=Retry(attempts=4, first_delay=0.02, longest_delay=0.05), deadline=5.0, poll=0.05)


def delivery(to: str = "#risk") -> Delivery:
    return Delivery(uuid4(), None, to, "slack", {})


def refuse(reason: str = "no", **how: Any) -> Callable[[Delivery], None]:
    def act(delivery: Delivery) -> None:
        raise Undelivered(reason, **{"retryable": True, **how})

    return act


@contextmanager
def working(outbox: MemoryOutbox, channels: Mapping[str, Any], terms: Terms = QUICK) -> Iterator[DeliveryWorker]:
    worker = DeliveryWorker(outbox, lambda item: channels[item.destination], terms)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(6)
        assert not thread.is_alive()


def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come to pass"
        time.sleep(0.005)


def test_drain_sends_everything_in_order_and_returns() -> None:
    outbox, channel = MemoryOutbox(), FakeChannel()
    items = [delivery() for _ in range(120)]
    outbox.put(*items)
    tally = DeliveryWorker(outbox, lambda item: channel, QUICK).drain()
    assert outbox.sent == [item.id for item in items]
    assert tally.sent == 120


def test_committed_message_is_sent_within_a_moment() -> None:
    outbox, channel = MemoryOutbox(), FakeChannel()
    with working(outbox, {"#risk": channel}, replace(QUICK, poll=30.0)):
        time.sleep(0.1)
        put_at = time.monotonic()
        outbox.put(delivery())
        until(lambda: outbox.sent)
    assert channel.taken[0][1] - put_at < 0.5


def test_passing_failure_is_tried_again_and_then_dead() -> None:
    outbox = MemoryOutbox()
    item = delivery()
    outbox.put(item)
    with working(outbox, {"#risk": FakeChannel(refuse("HTTP 500"))}):
        until(lambda: outbox.dead)
    assert outbox.dead == [(item.id, "HTTP 500")]
    assert len(outbox.failures) == 4


def test_refusal_for_good_is_dead_at_once() -> None:
    outbox = MemoryOutbox()
    outbox.put(delivery())
    tally = DeliveryWorker(outbox, lambda item: FakeChannel(refuse(retryable=False)), QUICK).drain()
    assert (tally.dead, len(outbox.failures)) == (1, 1)


def test_retry_after_is_obeyed_by_the_whole_destination() -> None:
    outbox = MemoryOutbox()
    asked: list[float] = []

    def once(item: Delivery) -> None:
        asked.append(time.monotonic())
        if len(asked) == 1:
            raise Undelivered("slow down", retryable=True, retry_after=0.4)

    outbox.put(delivery(), delivery(), delivery())
    with working(outbox, {"#risk": FakeChannel(once)}):
        until(lambda: len(outbox.sent) == 3)
    assert asked[1] - asked[0] >= 0.4


def test_pace_of_a_destination_is_kept() -> None:
    outbox, channel = MemoryOutbox(), FakeChannel(pace=Pace(per_second=20, burst=1))
    outbox.put(*(delivery() for _ in range(6)))
    DeliveryWorker(outbox, lambda item: channel, QUICK).drain()
    times = [at for _, at in channel.taken]
    assert len(times) == 6
    assert times[-1] - times[0] >= 0.2


def test_destination_that_hangs_or_fails_stalls_no_other() -> None:
    outbox, good = MemoryOutbox(), FakeChannel()
    channels = {
        "#hangs": FakeChannel(lambda item: time.sleep(3)),
        "#fails": FakeChannel(refuse()),
        "#good": good,
    }
    outbox.put(*(delivery(to) for _ in range(20) for to in channels))
    started = time.monotonic()
    with working(outbox, channels):
        until(lambda: len(good.taken) == 20)
        assert time.monotonic() - started < 1.0


def test_destination_that_keeps_failing_is_left_in_peace() -> None:
    outbox = MemoryOutbox()
    asked: list[UUID] = []

    def act(item: Delivery) -> None:
        asked.append(item.id)
        raise Undelivered("HTTP 500", retryable=True)

    outbox.put(*(delivery() for _ in range(50)))
    with working(outbox, {"#risk": FakeChannel(act)}):
        time.sleep(0.6)
    assert len(asked) == 5
    assert len(outbox.waiting) == 50


def test_attempt_over_its_deadline_is_recorded_as_uncertain_and_tried_again() -> None:
    outbox = MemoryOutbox()
    release = threading.Event()
    asked: list[int] = []

    def first_hangs(item: Delivery) -> None:
        asked.append(item.attempt)
        if item.attempt == 1:
            release.wait(10)

    outbox.put(delivery())
    with working(outbox, {"#risk": FakeChannel(first_hangs)}, replace(QUICK, deadline=0.2)):
        until(lambda: outbox.sent)
        release.set()
    assert asked == [1, 2]
    assert [(failure.reason, failure.is_uncertain) for failure in outbox.failures] == [("no answer within 0 s", True)]
    assert len(outbox.sent) == 1


def test_defect_of_an_adapter_is_its_destinations_trouble() -> None:
    def act(item: Delivery) -> None:
        raise KeyError("oops")

    outbox, good = MemoryOutbox(), FakeChannel()
    outbox.put(delivery("#bad"), delivery("#good"))
    DeliveryWorker(outbox, lambda item: FakeChannel(act) if item.destination == "#bad" else good, QUICK).drain()
    assert len(good.taken) == 1
    assert outbox.failures[0].reason == "KeyError: 'oops'"


def test_destination_without_a_channel_is_dead_with_its_reason() -> None:
    def nothing(item: Delivery) -> Any:
        raise Undelivered("not in destinations.yaml", retryable=False)

    outbox = MemoryOutbox()
    outbox.put(delivery(), delivery())
    DeliveryWorker(outbox, nothing, QUICK).drain()
    assert [reason for _, reason in outbox.dead] == ["not in destinations.yaml"] * 2


def test_channel_that_takes_many_gets_them_together() -> None:
    outbox, channel = MemoryOutbox(), BatchChannel()
    outbox.put(*(delivery() for _ in range(120)))
    DeliveryWorker(outbox, lambda item: channel, QUICK).drain()
    assert channel.batches == [50, 50, 20]
    assert len(outbox.sent) == 120


def test_stop_finishes_what_is_under_way_and_gives_the_rest_back() -> None:
    outbox, started = MemoryOutbox(), threading.Event()

    def slow(item: Delivery) -> None:
        started.set()
        time.sleep(0.3)

    outbox.put(*(delivery() for _ in range(10)))
    with working(outbox, {"#risk": FakeChannel(slow)}) as worker:
        started.wait(2)
        worker.stop()
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 5
    assert len(outbox.sent) == 1
    assert len(outbox.waiting) == 9
    assert not outbox.leased


def test_database_that_is_down_is_waited_out() -> None:
    told: list[Exception] = []
    outbox, channel = MemoryOutbox(broken=True), FakeChannel()
    outbox.put(delivery())
    with working(outbox, {"#risk": channel}, replace(QUICK, tell=told.append)):
        until(lambda: told)
        outbox.broken = False
        until(lambda: outbox.sent)


def test_poison_that_ends_every_worker_is_dead_in_the_end() -> None:
    outbox = MemoryOutbox()
    outbox.put(replace(delivery(), attempt=9, is_uncertain=True))
    DeliveryWorker(outbox, lambda item: FakeChannel(), QUICK).drain()
    assert [reason for _, reason in outbox.dead] == ["the worker ended during every attempt"]


@pytest.mark.parametrize("attempt", range(1, 30))
def test_delay_grows_within_its_bounds(attempt: int) -> None:
    retry = Retry()
    assert retry.first_delay / 2 <= retry.delay(attempt, 0.0) <= retry.delay(attempt, 1.0) <= retry.longest_delay
