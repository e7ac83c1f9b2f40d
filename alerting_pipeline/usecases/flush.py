"""Tell what was held back and is due: digests whose hour has come.

What ended before anybody was told stays untold, and the ledger keeps why. Each destination is one short transaction's
work, and a pass costs what is due, not what is held back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.holding import Flushed


class Flushing(Protocol):
    """One transaction over what is held back."""

    def tell_due(self, now: datetime) -> Flushed:
        """Tell what is due at `now`, or settle it as ended."""
        ...


class HeldBack(Protocol):
    """Where what is held back is kept."""

    def begin(self) -> AbstractContextManager[Flushing]: ...


def flush(held: HeldBack, now: datetime) -> Flushed:
    """Tell everything that is due at the business instant `now`."""
    with held.begin() as transaction:
        return transaction.tell_due(now)
