"""HTTP for channels: to hosts within the fence only, no redirect followed, and an end to every request.

A time-out per read would let a server that sends a byte now and then hold a lane for ever, so all reads and writes of
one request share one deadline. What may have arrived is told apart from what certainly has not.
"""

from __future__ import annotations

import email.utils
import json
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpcore

from alerting_pipeline.adapters.channels.http_fence import Hosts, Resolve, addresses, system_resolve, target_of
from alerting_pipeline.domain.ports import Undelivered

WITHIN = 20.0
"""Seconds for a whole request: shorter than a worker's deadline for an attempt, which is shorter than its lease."""
_LONGEST_WAIT = 3_600.0
_KEEP = 5.0  # seconds that an idle connection is kept: servers that close theirs sooner lose requests
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer. Header names are in lower case; a body that is too long is cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None where it is none: proxies answer with pages of their own."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds until the server wants to be asked again, one hour at most."""
        written = self.headers.get("retry-after", "").strip()
        if not written:
            return None
        if written.isdecimal():
            seconds = float(written[:6])
        else:
            try:
                seconds = (email.utils.parsedate_to_datetime(written) - datetime.now(UTC)).total_seconds()
            except (ValueError, TypeError):
                return None
        return min(_LONGEST_WAIT, max(1.0, seconds))


class HttpClient:
    """Asks hosts within the fence. Threads may share it."""

    def __init__(
        self, hosts: Hosts, *, within: float = WITHIN, most_bytes: int = 4 << 20, resolve: Resolve = system_resolve
    ) -> None:
        self._hosts = hosts
        self._within = within
        self._most_bytes = most_bytes
        self._network = _Network(hosts, resolve)
        self._pool: httpcore.ConnectionPool | None = None

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer, whatever its status. Raises Undelivered where there is none, saying whether it may have arrived.

        Errors name the host alone: paths and headers may hold secrets.
        """
        target = target_of(url, self._hosts)
        self._network.ends.at = time.monotonic() + self._within
        given = [("User-Agent", "alerting-pipeline"), *headers.items()]
        try:
            with self._opened().stream(method, url, headers=given, content=body) as response:
                content = self._read(response)
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(response.status, found, content)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise Undelivered(f"{target.host} can't be reached ({_kind(error)})", retryable=True) from None
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            reason = f"{target.host} gave no answer ({_kind(error)})"
            raise Undelivered(reason, retryable=True, is_uncertain=True) from None

    def host_of(self, url: str) -> str:
        """The host alone, for sentences: the rest of an address may be a secret."""
        return target_of(url, self._hosts).host

    def _opened(self) -> httpcore.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context(), keepalive_expiry=_KEEP, network_backend=self._network
            )
        return self._pool

    def _read(self, response: httpcore.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_stream():
            parts.append(part)
            size += len(part)
            if size > self._most_bytes:
                break
        return b"".join(parts)[: self._most_bytes]


def judge(answer: Answer, who: str, remedies: Mapping[int, str] | None = None, detail: str = "") -> NoReturn:
    """Raise what an answer that isn't good means. Its body is never repeated: it may quote what was sent."""
    status = answer.status
    said = f"{who} answered {status}{f' ({detail})' if detail else ''}"
    if status == 429:
        raise Undelivered(f"{who} asks to slow down", retryable=True, retry_after=answer.retry_after)
    if status >= 500 or status in _PASSING:
        raise Undelivered(said, retryable=True, retry_after=answer.retry_after, is_uncertain=True)
    if 300 <= status < 400:
        reason = f"{who} answered with a redirect ({status}), which is not followed; name the address it leads to"
        raise Undelivered(reason, retryable=False)
    remedy = (remedies or {}).get(status, "")
    raise Undelivered(f"{said}{f'; {remedy}' if remedy else ''}", retryable=False)


class _Ends(threading.local):
    """When the request of this thread ends; a thread that was given up keeps its own."""

    at: float = 0.0

    def left(self, timeout: float | None, overdue: type[Exception]) -> float:
        left = self.at - time.monotonic()
        if left <= 0:
            raise overdue("over the deadline")
        return left if timeout is None else min(timeout, left)


class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and gives every read and write what is left of the request's time."""

    def __init__(self, hosts: Hosts, resolve: Resolve) -> None:
        self.ends = _Ends()
        self._hosts = hosts
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses(host, port, self._hosts, self._resolve, self.ends.left(5.0, httpcore.ConnectTimeout)):
            left = self.ends.left(timeout or 5.0, httpcore.ConnectTimeout)
            try:
                return _Stream(self._sockets.connect_tcp(address, port, left, local_address, socket_options), self.ends)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end with the request."""

    def __init__(self, stream: httpcore.NetworkStream, ends: _Ends) -> None:
        self._stream = stream
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._ends.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._ends.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._ends.left(timeout or 5.0, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._ends)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _kind(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return type(cause if isinstance(cause, OSError) else error).__name__
