"""A webhook: JSON to a service of yours, signed, and with a key by which it can tell what came twice.

The headers are those of Standard Webhooks (standardwebhooks.com): `webhook-id` is the delivery's id, the same at every
attempt, `webhook-timestamp` the second of the attempt, and `webhook-signature` holds `v1,` and the base64 of
HMAC-SHA256 over `id.timestamp.body`, one for each secret that is in force. `Idempotency-Key` is the id again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alerting_pipeline.adapters.channels.http_client import HttpClient, judge
from alerting_pipeline.adapters.channels.http_fence import Hosts, target_of
from alerting_pipeline.adapters.channels.secret_name import ReadSecret, SecretName, secret
from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.webhook import body

_PREFIX = "whsec_"
_REMEDIES = {
    401: "the service does not accept our signature or token; compare the secrets",
    403: "the service does not accept our signature or token; compare the secrets",
    404: "there is nothing at this address; correct it in destinations.yaml",
    410: "the service wants no more of it; take the destination out of destinations.yaml",
    413: "the service takes no message of this size",
}


class WebhookSettings(BaseModel):
    """Settings of a webhook destination: where to, and the variables that hold its secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(default=None, max_length=2_000, description="The address, where it is no secret.")
    url_env: SecretName | None = Field(default=None, description="The variable that holds the address, instead of url.")
    secret_env: tuple[SecretName, ...] = Field(
        min_length=1,
        max_length=3,
        description="The variable that holds the signing secret; a list while secrets are exchanged, each signs.",
    )
    token_env: SecretName | None = Field(
        default=None, description="The variable that holds a token, sent as `Authorization: Bearer`."
    )
    per_second: float = Field(default=10.0, gt=0, le=1000, description="At most so many messages a second.")

    @field_validator("secret_env", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                target_of(value.replace("http://", "https://", 1), Hosts())
            except Undelivered as error:
                raise Mistake("AP403", error.reason) from None
        return value

    @model_validator(mode="after")
    def _one_address(self) -> WebhookSettings:
        if (self.url is None) == (self.url_env is None):
            raise Mistake("AP403", "a webhook has one address; write url: https://… or url_env: NAME")
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every variable that must be set."""
        return (*self.secret_env, *(name for name in (self.url_env, self.token_env) if name))


class WebhookChannel:
    """One address. `clock` gives the second of the attempt."""

    def __init__(
        self, settings: WebhookSettings, read: ReadSecret, client: HttpClient, clock: Callable[[], float] = time.time
    ) -> None:
        self.pace = Pace(settings.per_second, burst=max(1, int(settings.per_second)))
        self._settings = settings
        self._read = read
        self._client = client
        self._clock = clock

    def deliver(self, delivery: Delivery) -> Receipt:
        """Post it. The service knows a repeated one by its id, so that a lost answer does no harm."""
        url = self._settings.url or secret(self._settings.url_env or "", self._read)
        content = body(delivery.id, Message.from_json(delivery.message))
        answer = self._client.ask("POST", url, self._headers(str(delivery.id), content), content)
        if not answer.is_good:
            judge(answer, self._client.host_of(url), _REMEDIES)
        return Receipt({"via": "webhook", "status": answer.status})

    def _headers(self, identity: str, content: bytes) -> dict[str, str]:
        second = int(self._clock())
        keys = [key_of(secret(name, self._read)) for name in self._settings.secret_env]
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": identity,
            "webhook-id": identity,
            "webhook-timestamp": str(second),
            "webhook-signature": " ".join(signature(key, identity, second, content) for key in keys),
        }
        if self._settings.token_env:
            headers["Authorization"] = f"Bearer {secret(self._settings.token_env, self._read)}"
        return headers


def key_of(written: str) -> bytes:
    """The bytes of a secret: behind `whsec_` they are base64, anything else is taken as it is."""
    if not written.startswith(_PREFIX):
        return written.encode()
    try:
        return base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Undelivered("a signing secret begins with whsec_ and is not base64 behind it", retryable=False) from None


def signature(key: bytes, identity: str, second: int, content: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, second and body."""
    signed = f"{identity}.{second}.".encode() + content
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
