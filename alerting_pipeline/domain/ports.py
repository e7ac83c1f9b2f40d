"""What the use cases need from the outside world, as Protocols; adapters and store fulfil them unimported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import UUID

if TYPE_CHECKING:
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.publication import Origin, Publication, Stored


class Clock(Protocol):
    """The business clock. Stored instants come from here, so that a story can be told at any instant."""

    def now(self) -> datetime:
        """The instant that counts as now, timezone-aware, in UTC."""
        ...


class Progress(Protocol):
    """Where long work says how far it is; shells show it as a bar, a line or a log entry."""

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        """`done` of `total` items of `step` are finished; `item` is the one in hand. total None: not known."""
        ...


class Warehouse(Protocol):
    """Reads with SQL that other people wrote: read only, bounded, marts and parameter values alone.

    Both raise domain.warehouse_error.WarehouseError, whose kinds say whether the SQL, a limit or the server failed.
    """

    def stream(self, sql: str) -> Iterator[bytes]:
        """One SELECT's rows in COPY's text format, a line at a time. Closing it early stops the query."""
        ...

    def rows(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """One SELECT's rows by column; `%(name)s` is bound."""
        ...


# --- Delivery: one small protocol for every destination ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one destination.

    `id` is the idempotency key: the same id must never have two effects where the destination can tell. `message` is
    the JSON form of `rendering.message.Message`. `attempt` counts from 1; `is_uncertain` says that an earlier attempt
    may have arrived (a crash, a lost answer), so that a channel that can look it up does so first. `progress` is what
    an earlier attempt finished before it failed (`Undelivered.progress`).
    """

    id: UUID
    incident_id: int | None
    destination: str
    channel: str
    message: Mapping[str, Any]
    attempt: int = 1
    is_uncertain: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel remembers of a delivery (JSON): Slack's channel and ts, a Message-ID, a path.

    A text under `warning` says what went wrong although the delivery as a whole was taken.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    is_duplicate_possible: bool = False


class Undelivered(Exception):
    """A delivery was not handed over. The adapter says what kind of failure it was; the caller decides about a retry.

    `retry_after` is in seconds, where the destination named a time. `is_uncertain`: the destination may have taken the
    message although its answer was lost. `progress`: what was finished and must not be done again.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        is_uncertain: bool = False,
        progress: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after
        self.is_uncertain = is_uncertain
        self.progress = progress


class Channel(Protocol):
    """The way to one destination, bound to its settings. One thread at a time uses it."""

    def deliver(self, delivery: Delivery) -> Receipt:
        """Hand the delivery over, or raise Undelivered."""
        ...


@runtime_checkable
class Revisable(Protocol):
    """A channel that can change what it sent before: Slack edits its earlier message."""

    def revise(self, delivery: Delivery, earlier: Receipt) -> Receipt:
        """Replace the earlier message by this delivery's, or raise Undelivered."""
        ...


@runtime_checkable
class Batching(Protocol):
    """A channel whose destination takes many deliveries at the cost of one, and knows each by its key: a sheet."""

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Hand all of them over, in order; one answer each."""
        ...


@runtime_checkable
class Triable(Protocol):
    """A channel that would leave something behind: it tries the whole way, and takes back what it did."""

    def try_out(self, delivery: Delivery) -> Receipt:
        """Do what `deliver` does, and undo it. The receipt says under `would_write` or `taken_back` what it was."""
        ...


@runtime_checkable
class Joining(Protocol):
    """A channel whose destination lies in the outbox's own database: a table. It writes in a transaction that is given
    to it, the one in which the receipt is recorded: both are there, or neither.
    """

    def deliver_within(self, transaction: Any, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        """Hand all of them over, in order; one answer each. Raises Undelivered if the transaction is lost."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery leased to one worker. The write that finishes it carries the same `fence`, or it changes nothing."""

    delivery: Delivery
    fence: int
    earlier: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended without a receipt. `retry_in` is in seconds; None means that the delivery is dead."""

    claim: Claim
    reason: str
    retry_in: float | None
    is_uncertain: bool = False
    progress: Mapping[str, Any] | None = None


class Outbox(Protocol):
    """The queue of what has to leave, as the delivery worker sees it. Every method is one short transaction."""

    def claim(self, each: int, room: Mapping[str, int]) -> Sequence[Claim]:
        """Lease due deliveries, at most `each` of a destination; of one named in `room` at most that many (0: none)."""
        ...

    def record_sent(self, sent: Sequence[tuple[Claim, Receipt]]) -> int:
        """Store receipts; returns how many of the claims still held their fence."""
        ...

    def record_with(
        self, claims: Sequence[Claim], write: Callable[[Any, Sequence[Delivery]], Sequence[Receipt | Undelivered]]
    ) -> list[tuple[Claim, Receipt | Undelivered]]:
        """Let `write` hand over, in one transaction with its receipts, what still holds its fence; returns the answers.

        Receipts are stored then, failures are not. Raises Undelivered if the transaction is lost.
        """
        ...

    def record_failed(self, failures: Sequence[Failure]) -> int:
        """Store failed attempts; returns how many of the claims still held their fence."""
        ...

    def release(self, claims: Sequence[Claim]) -> int:
        """Give unused leases back at shutdown; the attempt does not count."""
        ...

    def seconds_until_due(self) -> float | None:
        """Time until the next delivery is due (0: now); None if nothing waits."""
        ...

    def wait(self, seconds: float) -> bool:
        """Sleep until something was committed to the outbox (True), `seconds` at most (False)."""
        ...


# --- Definitions ------------------------------------------------------------------------------------------------------


class PublishedDefinitions(Protocol):
    """What is in force, as whoever puts files into force sees it."""

    def stored(self) -> Mapping[str, Stored]:
        """Version and path of everything in force, by name."""
        ...

    def publish(
        self, publication: Publication, loaded: Loaded, *, now: datetime, origin_of: Callable[[str], Origin]
    ) -> None:
        """Put a publication into force in one transaction, with the system incidents about bad files."""
        ...
