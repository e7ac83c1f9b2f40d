"""An HTTP server on loopback, for sinks that speak one service's API: requests kept, faults injected, no traceback.

A sink says how it answers in `answer`; `inject` makes the next requests fail in a named way, before or after that.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived. Header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Reply:
    """What is answered; `json` is the body unless None."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """How one request fails. `takes_it`: the sink does its work first, and only the answer is lost or replaced."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False
    half_close: bool = False
    drip: float = 0.0
    takes_it: bool = False
    method: str = ""
    json: Any = None


class HttpSink:
    """Use as a context manager; `url` is where it listens."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.faults: deque[Fault] = deque()
        self.lock = threading.RLock()
        self.port = 0

    def __enter__(self) -> Self:
        sink = self

        class Handler(_Handler):
            served = sink

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._http.sink = self
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def inject(self, *faults: Fault) -> None:
        """The next requests fail so, in this order; a fault with a method waits for that method."""
        self.faults.extend(faults)

    def answer(self, request: Request) -> Reply:
        """What this sink is for."""
        return Reply()

    def fault_of(self, request: Request) -> Fault | None:
        """How this request fails; None if it does not."""
        return self.next_fault(request.method)

    def next_fault(self, method: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method in ("", method):
                    self.faults.remove(fault)
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    sink: HttpSink

    def process_request(self, request: Any, client_address: Any) -> None:
        self.sink.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    served: HttpSink
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        fault = self.served.fault_of(request)
        if fault and fault.delay:
            time.sleep(fault.delay)
        reply: Reply | None = None
        with self.served.lock:
            self.served.requests.append(request)
            if fault is None or fault.takes_it:
                reply = self.served.answer(request)
        if fault is not None:
            self._fail(fault)
        elif reply is not None:
            self._send(reply)

    def _fail(self, fault: Fault) -> None:
        if fault.hang_up:
            self.close_connection = True
            self.connection.close()
        elif fault.half_close:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.connection.shutdown(socket.SHUT_WR)
        elif fault.drip:
            self._drip(fault.drip)
        else:
            self._send(Reply(fault.status, fault.json, fault.headers))

    def _drip(self, seconds: float) -> None:
        """One byte now and then: every read of the client succeeds, and the answer never ends."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.05)
        self.close_connection = True

    def _send(self, reply: Reply) -> None:
        body = b"" if reply.json is None else json.dumps(reply.json).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests look at `requests`."""
