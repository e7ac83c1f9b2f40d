"""Who has unsubscribed since a message was written gets it no more: asked once more at the moment it leaves.

A message may wait long in the outbox: behind many others, for a mail server that is down, or until a dead one is made
due again. Asking here covers all of them, and a list that changes while messages are being written; nothing in the
outbox has to be found and taken back. What isn't handed over ends as sent, with a receipt that says why nobody got it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from alerting_pipeline.domain.ports import Batching, Channel, Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.message import Message

Subscription = tuple[str, str]
"""A report's name and an address in lower case."""
Unsubscribed = Callable[[Collection[Subscription]], Collection[Subscription]]
"""Those among these that were ended."""

LEFT_OUT = Receipt({"unsubscribed": "the recipient unsubscribed before it left"})


def subscribed(channel: Channel, unsubscribed: Unsubscribed) -> Channel:
    """The channel, asked only for recipients who still want its letters; it takes many at once where that one does."""
    if isinstance(channel, Batching):
        return _SubscribedBatch(channel, channel, unsubscribed)
    return _Subscribed(channel, unsubscribed)


class _Subscribed:
    def __init__(self, channel: Channel, unsubscribed: Unsubscribed) -> None:
        self.pace = getattr(channel, "pace", None)
        self._channel = channel
        self._unsubscribed = unsubscribed

    def deliver(self, delivery: Delivery) -> Receipt:
        return LEFT_OUT if self._ended([delivery]) else self._channel.deliver(delivery)

    def _ended(self, deliveries: Sequence[Delivery]) -> set[UUID]:
        """Those whose recipient wants no more, found by one question for all of them."""
        asked = {delivery.id: _subscription(delivery) for delivery in deliveries}
        ended = self._unsubscribed({each for each in asked.values() if each is not None})
        return {number for number, each in asked.items() if each in ended}


class _SubscribedBatch(_Subscribed):
    def __init__(self, channel: Channel, batching: Batching, unsubscribed: Unsubscribed) -> None:
        super().__init__(channel, unsubscribed)
        self._batching = batching

    def deliver_batch(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Undelivered]:
        ended = self._ended(deliveries)
        left = [delivery for delivery in deliveries if delivery.id not in ended]
        answers = {each.id: answer for each, answer in zip(left, self._batching.deliver_batch(left), strict=True)}
        return [answers.get(delivery.id, LEFT_OUT) for delivery in deliveries]


def _subscription(delivery: Delivery) -> Subscription | None:
    """What the letter's link would end; None: it has no link, and goes to everybody."""
    letter = Message.from_json(delivery.message).letter
    return (letter.report, letter.to.lower()) if letter is not None and letter.unsubscribe_url else None
