"""A service that receives webhooks as the documentation tells it to: it verifies, and acts once for each id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from tests.sinks.http_sink import HttpSink, Reply, Request

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class WebhookReceiver(HttpSink):
    """`effects` holds the bodies that were acted on, by id; `token` is asked for if it is set."""

    def __init__(self, secret: str = SECRET, token: str = "") -> None:
        super().__init__()
        self._secret = secret
        self._token = token
        self.effects: dict[str, Any] = {}
        self.repeated = 0

    def answer(self, request: Request) -> Reply:
        if request.method != "POST" or request.path != "/incidents":
            return Reply(404)
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return Reply(401)
        if not verified(self._secret, request, time.time()):
            return Reply(401)
        identity = request.headers["webhook-id"]
        if identity in self.effects:
            self.repeated += 1
            return Reply(200)
        self.effects[identity] = request.json
        return Reply(202, {"taken": True})


def verified(secret: str, request: Request, now: float) -> bool:
    """Standard Webhooks, as a receiver checks it: a signature of ours over id, timestamp and body, not too old."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    stamp = request.headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(now - int(stamp)) > 300:
        return False
    signed = f"{request.headers.get('webhook-id', '')}.{stamp}.".encode() + request.body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = request.headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, each) for each in given)
