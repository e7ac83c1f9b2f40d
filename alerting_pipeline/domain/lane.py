"""What a delivery worker knows of one destination, and what came of its work."""

from __future__ import annotations

from dataclasses import dataclass

from alerting_pipeline.domain.pacing import Flow
from alerting_pipeline.domain.ports import Claim


@dataclass(slots=True)
class Tally:
    """What came of a pass. `failed` will be tried again; `possibly_twice` was sent again after a lost answer."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    possibly_twice: int = 0


@dataclass(slots=True)
class Lane:
    """One destination. Whoever changes it holds the worker's lock.

    `run` is the number of its thread: a thread that was given up finds another number there. `lost` threads still hang.
    """

    flow: Flow
    is_paced: bool = False
    is_busy: bool = False
    run: int = 0
    lost: int = 0
    under_way: tuple[Claim, ...] = ()
    since: float = 0.0
