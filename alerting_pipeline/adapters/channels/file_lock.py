"""One writer of a file at a time: a lock file beside it, held while the file is read, changed and replaced."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for another writer; shorter than the deadline of a delivery."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that need not exist yet; its folder is made. Raises BlockingIOError (an OSError) when
    another writer does not end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + PATIENCE
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
        yield
