"""Stops a query at its deadline from outside the session.

statement_timeout lives inside the session, where SQL can reach it (a SELECT can switch it off with set_config). The
watchdog is a thread with a connection of its own: it asks the server to cancel, asks again, and at last cuts the
socket, so that the caller goes on whatever the server does.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

_BETWEEN_CANCELS_SECONDS = 0.5
_CANCELS = 3


class Watchdog:
    """Watches one connection for as long as the `with` block runs. `has_bitten` says that the deadline has passed."""

    def __init__(self, connection: psycopg.Connection, seconds: float) -> None:
        self.has_bitten = False
        self._connection = connection
        self._seconds = seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="warehouse-watchdog", daemon=True)
        self._descriptor = -1

    def __enter__(self) -> Self:
        # A duplicate: whatever happens to the connection meanwhile, it names the same socket and no other.
        self._descriptor = os.dup(self._connection.fileno())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            os.close(self._descriptor)

    def _watch(self) -> None:
        if self._is_over.wait(self._seconds):
            return
        self.has_bitten = True
        for _ in range(_CANCELS):
            with suppress(psycopg.Error):  # a server that can't be asked is cut off below
                self._connection.cancel_safe(timeout=_BETWEEN_CANCELS_SECONDS)
            if self._is_over.wait(_BETWEEN_CANCELS_SECONDS):
                return
        with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as same:  # it may be gone already
            same.shutdown(socket.SHUT_RDWR)
