"""The link that ends a report for one recipient: what it is about, signed, so that nobody can make one for another.

The token says (report, address) itself, so no table of tokens is kept and none can be guessed or counted through. It
does not end: a mail of last year may be answered, too. A changed or foreign token is refused, whoever it names.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

_DOMAIN = b"alerting-pipeline unsubscribe v1\0"
LONGEST_TOKEN = 1_000


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Whose messages of which report end."""

    report: str
    address: str


def token_for(report: str, address: str, key: bytes) -> str:
    """The token of a recipient, safe in a path of a web address."""
    content = json.dumps([report, address.lower()], separators=(",", ":")).encode()
    return f"{_text(content)}.{_text(_signature(content, key))}"


def read_token(token: str, key: bytes) -> Unsubscription | None:
    """What the token is about; None for one that was not made with this key."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    written, _, signed = token.partition(".")
    try:
        content, signature = _bytes(written), _bytes(signed)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(signature, _signature(content, key)):
        return None
    report, address = json.loads(content)
    return Unsubscription(report, address)


def _signature(content: bytes, key: bytes) -> bytes:
    return hmac.new(key, _DOMAIN + content, sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
