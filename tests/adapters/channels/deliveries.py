"""Deliveries for channel tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.rendering.message import Message
from tests.rendering.cases import OPENED


def delivery(message: Message = OPENED, *, again: UUID | None = None, **changes: Any) -> Delivery:
    """A first attempt; `again` makes it a second one of the same delivery, after an attempt without an answer."""
    made = Delivery(again or uuid4(), message.incident_id, "#risk", "slack", message.to_json())
    if again:
        made = replace(made, attempt=2, is_uncertain=True)
    return replace(made, **changes)
