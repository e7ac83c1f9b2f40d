"""PagerDuty through its Events API v2. The key of an alert is the incident's, so that an event that comes twice is one.

What is acknowledged or ends here is acknowledged or resolved there; a page that nobody needs any more stops.
"""

from __future__ import annotations

import json
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.adapters.channels.http_client import HttpClient, judge
from alerting_pipeline.adapters.channels.secret_name import ReadSecret, SecretName, secret
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.pagerduty import event

_REMEDIES = {400: "is the routing key that of an Events API v2 integration? `alerting send-test` tries it out"}


class PagerdutySettings(BaseModel):
    """Settings of a PagerDuty destination: one service's integration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routing_key_env: SecretName = Field(description="The variable that holds the integration's routing key.")
    url: str = Field(
        default="https://events.pagerduty.com",
        pattern=r"^https?://[^/?#\s]+$",
        description="Where events go; https://events.eu.pagerduty.com for accounts in the EU.",
    )
    per_second: float = Field(default=2.0, gt=0, le=1000, description="At most so many events a second.")


class PagerdutyChannel:
    """One integration of one service."""

    def __init__(self, settings: PagerdutySettings, read: ReadSecret, client: HttpClient) -> None:
        self.pace = Pace(settings.per_second, burst=max(3, int(settings.per_second)))
        self._settings = settings
        self._read = read
        self._client = client

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send the event; the same one again changes nothing there."""
        return self._send(Message.from_json(delivery.message))

    def try_out(self, delivery: Delivery) -> Receipt:
        """Trigger an alert that says it is a test, and resolve it at once."""
        message = Message.from_json(delivery.message)
        sent = self._send(message)
        self._send(replace(message, status="resolved", transition="resolved"))
        return Receipt({**sent.data, "taken_back": "the alert was resolved at once"})

    def _send(self, message: Message) -> Receipt:
        shown = event(message)
        keyed = {"routing_key": secret(self._settings.routing_key_env, self._read), **shown}
        content = json.dumps(keyed, ensure_ascii=False).encode("utf-8", "replace")
        url = f"{self._settings.url}/v2/enqueue"
        answer = self._client.ask("POST", url, {"Content-Type": "application/json"}, content)
        if not answer.is_good:
            judge(answer, "PagerDuty", _REMEDIES)
        return Receipt({"via": "pagerduty", "dedup_key": shown["dedup_key"], "action": shown["event_action"]})
