"""A hundred other services, SMS among them, through apprise: an optional extra, one address per destination.

The address holds the service's secrets, so it comes from a variable only, and apprise's own log, which may repeat it,
is off. Apprise says whether a message was taken, and nothing else: there are no buttons, edits, threads or keys. Every
failure may pass, and may be one whose message arrived.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.adapters.channels.secret_name import ReadSecret, SecretName, secret
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.message import Message

if TYPE_CHECKING:
    from apprise import Apprise

_KINDS = {"critical": "failure", "high": "failure", "medium": "warning"}


class AppriseSettings(BaseModel):
    """Settings of an apprise destination."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url_env: SecretName = Field(
        description="The variable that holds apprise's address of the service, secrets included."
    )
    form: Literal["full", "short"] = Field(
        default="full", description="short: one paragraph, for SMS; full: all that there is to say."
    )
    per_second: float = Field(default=1.0, gt=0, le=1000, description="At most so many messages a second.")


class AppriseChannel:
    """One service. Raises Undelivered, for good, where the extra isn't installed."""

    def __init__(self, settings: AppriseSettings, read: ReadSecret) -> None:
        if find_spec("apprise") is None:
            reason = "apprise is not installed; pip install 'alerting-pipeline[apprise]'"
            raise Undelivered(reason, retryable=False)
        self.pace = Pace(settings.per_second, burst=max(1, int(settings.per_second)))
        self._settings = settings
        self._read = read

    def deliver(self, delivery: Delivery) -> Receipt:
        """Hand it over; whether an earlier attempt arrived can't be looked up."""
        message = Message.from_json(delivery.message)
        kind = "success" if message.is_resolved else _KINDS.get(message.severity, "info")
        title, content = _texts(message, self._settings.form)
        service = self._service()
        try:
            is_taken = service.notify(title=title, body=content, notify_type=kind, body_format="text")
        except Exception as error:  # whatever a plugin of a hundred raises; its text may hold the address
            reason = f"apprise failed ({type(error).__name__})"
            raise Undelivered(reason, retryable=True, is_uncertain=True) from None
        if not is_taken:
            reason = "the service did not take the message; apprise does not say why, and is its address right?"
            raise Undelivered(reason, retryable=True, is_uncertain=True)
        return Receipt({"via": "apprise"}, is_duplicate_possible=delivery.is_uncertain)

    def _service(self) -> Apprise:
        """Made anew each time, so that an address that was exchanged is used; making one connects to nothing."""
        from apprise import Apprise, AppriseAsset

        for name in ("apprise", "urllib3"):
            quiet = logging.CRITICAL + 1 if name == "apprise" else logging.INFO  # which repeats paths at DEBUG
            if logging.getLogger(name).getEffectiveLevel() < quiet:
                logging.getLogger(name).setLevel(quiet)
        service = Apprise(asset=AppriseAsset(app_id="alerting-pipeline", async_mode=False, http_redirects=False))
        if not service.add(secret(self._settings.url_env, self._read)):
            reason = f"{self._settings.url_env} holds no address that apprise can read"
            raise Undelivered(reason, retryable=False)
        return service


def _texts(message: Message, form: str) -> tuple[str, str]:
    if form == "full":
        return text.heading(message), text.text(message)
    said = [text.clean(message.summary, 300), text.clean(message.note, 100)]
    link = next((item.value for item in text.links(message)), "")
    return text.shorten(text.heading(message), 100), " ".join(part for part in (*said, link) if part)
