"""When to try again and how fast to go on: pure arithmetic over instants of a monotonic clock, in seconds.

One destination that is slow, refuses or is down must cost the others nothing, and must not be hammered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a destination may be used: so many deliveries a second, and a burst after a rest."""

    per_second: float = float("inf")
    burst: int = 100


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket. `tokens` were there at `at`; a pause (Retry-After) ends at `paused_until`."""

    pace: Pace
    tokens: float
    at: float
    paused_until: float = float("-inf")

    @classmethod
    def full(cls, pace: Pace, now: float) -> Bucket:
        """A bucket after a rest."""
        return cls(pace, float(pace.burst), now)

    def room(self, now: float) -> int:
        """How many deliveries may leave now."""
        return 0 if now < self.paused_until else int(self._filled(now))

    def take(self, count: int, now: float) -> Bucket:
        """The bucket after `count` deliveries left."""
        return replace(self, tokens=self._filled(now) - count, at=now)

    def pause(self, until: float) -> Bucket:
        """Nothing leaves before `until`."""
        return replace(self, paused_until=max(until, self.paused_until))

    def seconds_until_room(self, now: float) -> float:
        """How long until one delivery may leave."""
        missing = max(0.0, 1 - self._filled(now)) / self.pace.per_second
        return max(missing, self.paused_until - now, 0.0)

    def _filled(self, now: float) -> float:
        if self.pace.per_second == float("inf"):
            return float(self.pace.burst)
        return min(float(self.pace.burst), self.tokens + (now - self.at) * self.pace.per_second)


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker: after so many failures in a row the destination rests, then one delivery tries it again."""

    failures: int = 0
    open_until: float = float("-inf")
    opened: int = 0

    THRESHOLD: ClassVar[int] = 5
    FIRST_REST: ClassVar[float] = 10.0
    LONGEST_REST: ClassVar[float] = 300.0

    def is_open(self, now: float) -> bool:
        """Must nothing be sent now?"""
        return now < self.open_until

    @property
    def is_trying(self) -> bool:
        """Is the next delivery a trial, so that only one may go?"""
        return self.opened > 0

    def after_failure(self, now: float) -> Breaker:
        """One failure more; it opens at the threshold, and at once if a trial failed, each time for longer."""
        failures = self.failures + 1
        if failures < self.THRESHOLD and not self.opened:
            return replace(self, failures=failures)
        rest = min(self.LONGEST_REST, self.FIRST_REST * 2**self.opened)
        return Breaker(failures, now + rest, min(self.opened + 1, 16))


@dataclass(frozen=True, slots=True)
class Flow:
    """What may go to one destination now: its bucket and its breaker together."""

    bucket: Bucket
    breaker: Breaker = field(default_factory=Breaker)

    def room(self, now: float) -> int:
        """How many deliveries may leave now; one while the breaker tries."""
        if self.breaker.is_open(now):
            return 0
        return min(self.bucket.room(now), 1) if self.breaker.is_trying else self.bucket.room(now)

    def rest(self, now: float) -> float:
        """Seconds until there is room again; 0 if there is."""
        return max(self.bucket.seconds_until_room(now), self.breaker.open_until - now, 0.0)

    def take(self, count: int, now: float) -> Flow:
        """After `count` deliveries left."""
        return replace(self, bucket=self.bucket.take(count, now))

    def after_success(self) -> Flow:
        """The destination works."""
        return replace(self, breaker=Breaker())

    def after_failure(self, now: float, retry_after: float | None) -> Flow:
        """It failed in a way that may pass: a time that it named is kept to; otherwise the breaker counts."""
        if retry_after:
            return replace(self, bucket=self.bucket.pause(now + retry_after))
        return replace(self, breaker=self.breaker.after_failure(now))


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a delivery is tried again. With the defaults the last attempt is about five hours later."""

    attempts: int = 25
    first_delay: float = 2.0
    longest_delay: float = 900.0

    def delay(self, attempt: int, chance: float) -> float:
        """Seconds after the failed `attempt` (from 1): exponential, jittered by `chance` (0 to 1) to half and full."""
        full = min(self.longest_delay, self.first_delay * 2.0 ** min(attempt - 1, 20))
        return full * (0.5 + chance / 2)
