"""The named moments of a delivery at which a process may die, so that a test can end it exactly there.

Each lies between two effects that no transaction joins. What has to hold whichever of them is the last is said in
docs/reliability.md, and `tests/faults` shows it. In production nobody listens: passing one is an empty call.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Waypoint(StrEnum):
    """In the order of a delivery's life."""

    AFTER_CLAIM = "after_claim"
    """Leased to this worker; no attempt has begun."""
    BEFORE_SEND = "before_send"
    """The attempt is about to reach the destination."""
    AFTER_SEND = "after_send"
    """The destination has taken it; the ledger does not know that yet."""
    AFTER_RECORD = "after_record"
    """The ledger knows."""


Passing = Callable[[Waypoint], None]


def unobserved(waypoint: Waypoint) -> None:
    """Nothing happens here in production."""
