"""A Slack Web API on loopback: the methods that we call, with the limits and error forms that Slack documents.

Use `with SlackServer() as slack:` in a test, or `python -m tests.sinks.slack_api --port 8181` to look at it. It answers
as Slack does: HTTP 200 with `ok: false` and an error code for most failures, 429 with Retry-After, 5xx when asked to.
`inject` makes the next calls fail in a named way.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

TOKEN = "xoxb-loopback-token"

Answer = dict[str, Any]


@dataclass
class Posted:
    """One message in a channel."""

    channel: str
    ts: str
    text: str
    blocks: list[Any]
    metadata: dict[str, Any] | None
    thread_ts: str | None
    at: float
    edits: int = 0


@dataclass
class Fault:
    """How a call fails: `status` without an answer of Slack's, `error` as its code, or what happens to the connection.

    `takes_it`: the call does its work first, and only the answer is lost.
    """

    status: int = 200
    error: str = ""
    retry_after: int | None = None
    delay: float = 0.0
    hang_up: bool = False
    drip: float = 0.0
    takes_it: bool = False
    method: str = ""


@dataclass
class SlackServer:
    """A workspace with some channels; the app is a member of all of them but `#not-invited`."""

    channels: dict[str, str] = field(default_factory=lambda: {"risk": "C0000RISK", "ops": "C00000OPS"})
    token: str = TOKEN
    port: int = 0
    messages: list[Posted] = field(default_factory=list)
    calls: list[tuple[str, float]] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    scopes_missing: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        server = self

        class Handler(_Handler):
            slack = server

        self._http = _Server(("127.0.0.1", self.port), Handler)
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
        return f"http://127.0.0.1:{self.port}/api/"

    def inject(self, *faults: Fault) -> None:
        """The next calls fail so, in this order (a fault with a method waits for that method)."""
        self.faults.extend(faults)

    def posted(self, channel: str) -> list[Posted]:
        """What stands in a channel, thread replies left out."""
        identity = self.channels.get(channel.lstrip("#"), channel)
        return [item for item in self.messages if item.channel == identity and item.thread_ts is None]

    def replies(self, ts: str) -> list[Posted]:
        return [item for item in self.messages if item.thread_ts == ts]

    def next_fault(self, method: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method in ("", method):
                    self.faults.remove(fault)
                    return fault
        return None

    # --- methods ------------------------------------------------------------------------------------------------------

    def answer(self, method: str, token: str, given: Answer) -> Answer:
        """The answer to one call."""
        with self.lock:
            self.calls.append((method, time.monotonic()))
            if not token:
                return _error("not_authed")
            if token != self.token:
                return _error("invalid_auth")
            handler = _METHODS.get(method)
            if handler is None:
                return _error("unknown_method")
            if method in self.scopes_missing:
                return _error("missing_scope", needed="channels:history", provided="chat:write")
            return handler(self, given)

    def _channel(self, given: Answer) -> str:
        wanted = str(given.get("channel", ""))
        name = wanted.removeprefix("#")
        if name == "not-invited":
            raise _Refused("not_in_channel")
        if name == "archived":
            raise _Refused("is_archived")
        if name in self.channels:
            return self.channels[name]
        if wanted in self.channels.values():
            return wanted
        raise _Refused("channel_not_found")

    def auth_test(self, given: Answer) -> Answer:
        return {
            "url": "https://loopback.slack.example/",
            "team": "Loopback",
            "user": "alerts",
            "team_id": "T0",
            "user_id": "U0",
        }

    def post(self, given: Answer) -> Answer:
        channel = self._channel(given)
        check_content(given)
        ts = f"{time.time():.6f}"
        while any(item.ts == ts for item in self.messages):
            ts = f"{float(ts) + 0.000001:.6f}"
        thread = given.get("thread_ts")
        if thread and not any(item.ts == thread for item in self.messages):
            raise _Refused("thread_not_found")
        message = Posted(
            channel,
            ts,
            str(given.get("text", "")),
            given.get("blocks") or [],
            given.get("metadata"),
            thread,
            time.monotonic(),
        )
        self.messages.append(message)
        return {"channel": channel, "ts": ts, "message": _shown(message)}

    def update(self, given: Answer) -> Answer:
        channel = self._channel({"channel": given.get("channel")})
        if str(given.get("channel", "")).startswith("#"):
            raise _Refused("channel_not_found")
        check_content(given)
        for message in self.messages:
            if message.channel == channel and message.ts == given.get("ts"):
                message.text = str(given.get("text", ""))
                message.blocks = given.get("blocks") or []
                message.metadata = given.get("metadata", message.metadata)
                message.edits += 1
                return {"channel": channel, "ts": message.ts, "text": message.text}
        raise _Refused("message_not_found")

    def history(self, given: Answer) -> Answer:
        channel = str(given.get("channel", ""))
        if channel not in self.channels.values():
            raise _Refused("channel_not_found")
        oldest = float(given.get("oldest") or 0)
        found = [m for m in self.messages if m.channel == channel and m.thread_ts is None and float(m.ts) >= oldest]
        return self._page(list(reversed(found)), given)

    def replied(self, given: Answer) -> Answer:
        ts = given.get("ts")
        found = [m for m in self.messages if m.ts == ts or m.thread_ts == ts]
        if not found:
            raise _Refused("thread_not_found")
        return self._page(found, given)

    def list_channels(self, given: Answer) -> Answer:
        return {
            "channels": [{"id": identity, "name": name} for name, identity in self.channels.items()],
            "response_metadata": {"next_cursor": ""},
        }

    def _page(self, found: list[Posted], given: Answer) -> Answer:
        start, limit = int(given.get("cursor") or 0), max(1, min(999, int(given.get("limit") or 100)))
        with_metadata = str(given.get("include_all_metadata", "")).lower() in {"1", "true"}
        more = start + limit < len(found)
        return {
            "messages": [_shown(item, with_metadata) for item in found[start : start + limit]],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + limit) if more else ""},
        }


_METHODS: dict[str, Any] = {
    "auth.test": SlackServer.auth_test,
    "chat.postMessage": SlackServer.post,
    "chat.update": SlackServer.update,
    "conversations.history": SlackServer.history,
    "conversations.replies": SlackServer.replied,
    "conversations.list": SlackServer.list_channels,
}


class _Refused(Exception):
    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code, self.more = code, more


# --- documented limits ------------------------------------------------------------------------------------------------


def check_content(given: Answer) -> None:
    """Refuse what Slack refuses: too many blocks, texts that are too long, blocks of a wrong shape."""
    blocks = given.get("blocks") or []
    if not given.get("text") and not blocks:
        raise _Refused("no_text")
    if len(str(given.get("text", ""))) > 40_000:
        raise _Refused("msg_too_long")
    if not isinstance(blocks, list):
        raise _Refused("invalid_blocks_format")
    if len(blocks) > 50:
        raise _Refused("invalid_blocks", errors=["no more than 50 items allowed [json-pointer:/blocks]"])
    for position, block in enumerate(blocks):
        problem = _problem(block)
        if problem:
            raise _Refused("invalid_blocks", errors=[f"{problem} [json-pointer:/blocks/{position}]"])
    metadata = given.get("metadata")
    if metadata is not None and not {"event_type", "event_payload"} <= set(metadata):
        raise _Refused("invalid_metadata_format")


def _problem(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "header":
        return _text_problem(block.get("text"), 150, "plain_text")
    if kind == "section":
        fields = block.get("fields")
        if not block.get("text") and not fields:
            return "missing required field: text or fields"
        if block.get("text") and (problem := _text_problem(block["text"], 3_000)):
            return problem
        if fields is not None and not 1 <= len(fields) <= 10:
            return "no more than 10 items allowed"
        return next((problem for item in fields or [] if (problem := _text_problem(item, 2_000))), "")
    if kind == "context":
        elements = block.get("elements", [])
        if not 1 <= len(elements) <= 10:
            return "no more than 10 items allowed"
        return next((problem for item in elements if (problem := _text_problem(item, 3_000))), "")
    if kind == "actions":
        elements = block.get("elements", [])
        if not 1 <= len(elements) <= 25:
            return "no more than 25 items allowed"
        identities = [item.get("action_id") for item in elements]
        if len(set(identities)) != len(identities):
            return "action_id must be unique"
        return next((problem for item in elements if (problem := _button_problem(item))), "")
    return "" if kind == "divider" else f"unsupported type: {kind}"


def _button_problem(button: Any) -> str:
    if button.get("type") != "button":
        return f"unsupported type: {button.get('type')}"
    if len(button.get("action_id", "")) > 255 or len(button.get("value", "")) > 2_000:
        return "must be less than 256 characters"
    if len(button.get("url", "")) > 3_000:
        return "must be less than 3001 characters"
    if button.get("style", "primary") not in {"primary", "danger"}:
        return "unsupported style"
    return _text_problem(button.get("text"), 75, "plain_text")


def _text_problem(text: Any, longest: int, kind: str = "") -> str:
    if not isinstance(text, dict) or text.get("type") not in {"plain_text", "mrkdwn"}:
        return "invalid text object"
    if kind and text["type"] != kind:
        return f"must be {kind}"
    if not text.get("text"):
        return "must be more than 0 characters"
    return f"must be less than {longest + 1} characters" if len(text["text"]) > longest else ""


# --- HTTP -------------------------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    slack: SlackServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._handle(raw)

    def do_GET(self) -> None:
        self._handle(self.path.partition("?")[2])

    def _handle(self, raw: str) -> None:
        method = self.path.partition("?")[0].rsplit("/", 1)[-1]
        fault = self.slack.next_fault(method)
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and not fault.takes_it:
            self._fail(fault)
            return
        given = self._given(raw)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip() or str(given.get("token", ""))
        try:
            answer = self.slack.answer(method, token, given)
        except _Refused as refusal:
            answer = _error(refusal.code, **refusal.more)
        if fault:
            self._fail(fault)
            return
        self._send(200, {"ok": True, **answer})

    def _given(self, raw: str) -> Answer:
        if "json" in self.headers.get("Content-Type", ""):
            return json.loads(raw or "{}")
        given: Answer = {name: values[-1] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        for name in ("blocks", "metadata"):
            if isinstance(given.get(name), str):
                given[name] = json.loads(given[name])
        return given

    def _fail(self, fault: Fault) -> None:
        if fault.hang_up:
            self.close_connection = True
            self.connection.close()
        elif fault.drip:
            self._drip(fault.drip)
        elif fault.status == 429:
            self._send(429, _error("ratelimited"), {"Retry-After": str(fault.retry_after or 1)})
        elif fault.status >= 500:
            self._send(fault.status, None)
        else:
            self._send(200, _error(fault.error or "internal_error"))

    def _drip(self, seconds: float) -> None:
        """One byte now and then: every read of the client succeeds, and the answer never ends."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)
        self.close_connection = True

    def _send(self, status: int, answer: Answer | None, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(answer).encode() if answer is not None else b"<html>upstream trouble</html>"
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8" if answer is not None else "text/html")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests look at `calls`."""


def _error(code: str, **more: Any) -> Answer:
    return {"ok": False, "error": code, **more}


def _shown(message: Posted, with_metadata: bool = True) -> Answer:
    shown: Answer = {
        "type": "message",
        "ts": message.ts,
        "text": message.text,
        "blocks": message.blocks,
        "bot_id": "B0",
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if with_metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8181)
    with SlackServer(port=parser.parse_args().port) as server:
        print(f"SLACK_API_URL={server.url} SLACK_BOT_TOKEN={server.token}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"{len(server.messages)} messages")


if __name__ == "__main__":
    main()
