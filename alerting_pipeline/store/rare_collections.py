"""Collect garbage less often while a transaction makes values by the hundred thousand.

Incidents, steps and letters refer to each other in no circle, so they are gone when the last name is; the collector
that looks for circles walks over all of them again and again, and finds none. In a storm of 30,000 that was a quarter
of the time. It still runs, fifty times less often, and over what the transaction made alone: what the process held
before is set aside meanwhile, for one look at all of a large process takes seconds.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = 50
_lock = threading.Lock()
_inside = 0
_usual = gc.get_threshold()
_is_aside = False


@contextmanager
def rare_collections() -> Iterator[None]:
    """The collector belongs to the process: whoever is the last to leave puts back what the first one found."""
    global _inside, _usual, _is_aside
    with _lock:
        if _inside == 0:
            _usual = gc.get_threshold()
            gc.set_threshold(_usual[0] * _EVERY, *_usual[1:])
            _is_aside = gc.get_freeze_count() == 0  # what somebody else set aside stays there
            if _is_aside:
                gc.freeze()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                gc.set_threshold(*_usual)
                if _is_aside:
                    gc.unfreeze()
