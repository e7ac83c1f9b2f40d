"""Tell what was held back and is due: digests whose hour has come, groups that have waited, silences that ended.

What ended before anybody was told stays untold, and the ledger keeps why. Each destination is one transaction, so that
one that can't be told keeps no other waiting; a pass costs what is due, not what is held back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from alerting_pipeline.domain.holding import Flushed


class Flushing(Protocol):
    """One transaction over what is held back."""

    def tell_due(self, destination: str, now: datetime) -> Flushed:
        """Tell one destination what is due at `now`, or settle it as ended."""
        ...


class HeldBack(Protocol):
    """Where what is held back is kept."""

    def due_destinations(self, now: datetime) -> Sequence[str]:
        """Those that have something to hear of at `now`."""
        ...

    def begin(self) -> AbstractContextManager[Flushing]: ...


def flush(held: HeldBack, now: datetime) -> Flushed:
    """Tell everything that is due at the business instant `now`; what could not be told is in `failed`."""
    done = Flushed()
    for destination in held.due_destinations(now):
        try:
            with held.begin() as transaction:
                done += transaction.tell_due(destination, now)
        except Exception as error:
            done += Flushed(failed=(f"{destination} ({type(error).__name__}): {error}",))
    return done
