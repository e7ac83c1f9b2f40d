"""Slack through its Web API: posts, edits what it posted when the incident changes, and looks before it posts again.

Slack has no idempotency key. Each message carries the delivery id as metadata; after a crash or a lost answer the
channel's history is searched for it, and only if it is not there (or may not be read) the message is posted again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from alerting_pipeline.domain.pacing import Pace
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering import slack as render
from alerting_pipeline.rendering.message import SPOKEN, Message

if TYPE_CHECKING:
    from slack_sdk import WebClient

# Everything that Slack answers with `ok: false` is for good, except these: its own trouble, which passes.
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_NOT_EDITABLE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_REMEDIES = {
    "channel_not_found": "create the channel, or correct its name in destinations.yaml",
    "not_in_channel": "invite the app into the channel",
    "is_archived": "the channel is archived; name another one in destinations.yaml",
    "invalid_auth": "the token in SLACK_BOT_TOKEN is not valid",
    "not_authed": "SLACK_BOT_TOKEN is empty",
    "account_inactive": "the token's account was deactivated",
    "token_revoked": "the token was revoked; install the app again",
    "missing_scope": "the app needs chat:write; for channels it is not in, chat:write.public",
}
_ID = re.compile(r"[CGDU][A-Z0-9]{6,}")
_HOW_FAR_BACK = 86_400.0  # seconds of history searched for a message that may have been posted
_MOST_PAGES = 5


class SlackSettings(BaseModel):
    """Settings of a Slack destination: `to` is #name or a channel id; Slack takes about one message a second each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(
        pattern=r"^(#[^\s#@<>&]{1,80}|[CGDU][A-Z0-9]{6,})$",
        description="#channel or a channel id; default: the destination's name, where it begins with #.",
    )
    per_second: float = Field(default=1.0, gt=0, le=1000, description="At most so many messages a second.")


class SlackChannel:
    """One Slack channel. `client` makes the WebClient on first use, without retries of its own."""

    def __init__(self, settings: SlackSettings, client: Callable[[], WebClient]) -> None:
        self.pace = Pace(settings.per_second, burst=max(3, int(settings.per_second)))
        self._to = settings.to
        self._make_client = client
        self._client: WebClient | None = None
        self._id: str | None = settings.to if _ID.fullmatch(settings.to) else None

    def deliver(self, delivery: Delivery) -> Receipt:
        """Post the message, unless an earlier attempt turns out to have posted it."""
        message = Message.from_json(delivery.message)
        looked = True
        if delivery.is_uncertain:
            found, looked = self._find(delivery.id)
            if found:
                return found
        posted = self._call(
            "chat_postMessage", channel=self._id or self._to, **_content(delivery, message),
            unfurl_links=False, unfurl_media=False, link_names=False, parse="none",
        )  # fmt: skip
        self._id = str(posted["channel"])
        receipt = {"via": "slack", "channel": self._id, "ts": str(posted["ts"])}
        return Receipt(receipt, is_duplicate_possible=delivery.is_uncertain and not looked)

    def revise(self, delivery: Delivery, earlier: Receipt) -> Receipt:
        """Edit the earlier message; a material change is also said in its thread, since edits notify nobody.

        A message that can't be edited any more, or that went elsewhere, is posted anew.
        """
        channel, ts = earlier.data.get("channel"), earlier.data.get("ts")
        if earlier.data.get("via") != "slack" or not channel or not ts:
            return self.deliver(delivery)
        message = Message.from_json(delivery.message)
        try:
            self._call(
                "chat_update", channel=channel, ts=ts, **_content(delivery, message), link_names=False, parse="none"
            )
        except Undelivered as error:
            if not isinstance(error, _NotEditable):
                raise
            return self.deliver(delivery)
        if message.transition in SPOKEN:
            self._note(delivery, message, str(channel), str(ts))
        return Receipt({"via": "slack", "channel": channel, "ts": ts})

    def _note(self, delivery: Delivery, message: Message, channel: str, ts: str) -> None:
        if delivery.is_uncertain:
            replies = self._call("conversations_replies", channel=channel, ts=ts, include_all_metadata=True, limit=200)
            if _carrying(replies.get("messages", []), delivery.id, but_not=ts):
                return
        self._call(
            "chat_postMessage", channel=channel, thread_ts=ts, text=render.note_of_change(message),
            blocks=render.note_blocks(message), metadata=render.metadata(delivery.id, message),
            unfurl_links=False, unfurl_media=False, link_names=False, parse="none",
        )  # fmt: skip

    # --- looking before posting again ---------------------------------------------------------------------------------

    def _find(self, delivery_id: UUID) -> tuple[Receipt | None, bool]:
        """The message of an earlier attempt, and whether the history could be read at all."""
        try:
            channel = self._id or self._look_up_id()
            if channel is None:
                return None, False
            cursor: str | None = None
            oldest = f"{time.time() - _HOW_FAR_BACK:.6f}"
            for _ in range(_MOST_PAGES):
                page = self._call(
                    "conversations_history", channel=channel, include_all_metadata=True, oldest=oldest, limit=200,
                    cursor=cursor,
                )  # fmt: skip
                if found := _carrying(page.get("messages", []), delivery_id):
                    return Receipt({"via": "slack", "channel": channel, "ts": found}), True
                cursor = (page.get("response_metadata") or {}).get("next_cursor")
                if not cursor:
                    return None, True
        except Undelivered as error:
            if error.retryable:
                raise
        return None, False

    def _look_up_id(self) -> str | None:
        """History is asked for by id; the name is looked up once."""
        name, cursor = self._to.lstrip("#"), None
        for _ in range(_MOST_PAGES):
            page = self._call(
                "conversations_list", types="public_channel,private_channel", exclude_archived=True, limit=1000,
                cursor=cursor,
            )  # fmt: skip
            for channel in page.get("channels", []):
                if channel.get("name") == name:
                    self._id = str(channel["id"])
                    return self._id
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None

    # --- calling ------------------------------------------------------------------------------------------------------

    def _call(self, method: str, **arguments: Any) -> Any:
        from slack_sdk.errors import SlackApiError, SlackClientError

        if self._client is None:
            self._client = self._make_client()
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            return getattr(self._client, method)(**given)
        except SlackApiError as error:
            _refused(error, method)
        except ConnectionRefusedError as error:
            raise Undelivered("Slack can't be reached: connection refused", retryable=True) from error
        except (OSError, SlackClientError, ValueError) as error:
            _lost(error)


class _NotEditable(Undelivered):
    """The earlier message is gone, or too old to be edited."""


def client_for(token: str, base_url: str | None, timeout: int = 15) -> WebClient:
    """A WebClient that never retries by itself: a retry it does not tell of would post twice."""
    from slack_sdk import WebClient

    address = (base_url or WebClient.BASE_URL).rstrip("/") + "/"
    return WebClient(token=token, base_url=address, timeout=timeout, retry_handlers=[])


def _content(delivery: Delivery, message: Message) -> dict[str, Any]:
    return {
        "text": render.fallback(message),
        "blocks": render.blocks(message),
        "metadata": render.metadata(delivery.id, message),
    }


def _carrying(messages: list[dict[str, Any]], delivery_id: UUID, but_not: str | None = None) -> str | None:
    """The ts of the message with this delivery's metadata."""
    for message in messages:
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        if payload.get("delivery_id") == str(delivery_id) and message.get("ts") != but_not:
            return str(message["ts"])
    return None


def _refused(error: Any, method: str) -> NoReturn:
    """Classify an answer of Slack. Only its error code is repeated: its texts may quote what was sent."""
    response = error.response
    status = getattr(response, "status_code", 200)
    answer = getattr(response, "data", response)
    code = str(answer.get("error", "")) if isinstance(answer, dict) else ""
    code = code if re.fullmatch(r"[a-z0-9_]{1,60}", code) else ""  # a page of a proxy is no code
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        after = _seconds(getattr(response, "headers", {}))
        raise Undelivered("Slack asks to slow down", retryable=True, retry_after=after) from error
    if status >= 500 or code in _PASSING or not code:
        reason = f"Slack has trouble of its own (HTTP {status}{f', {code}' if code else ''})"
        raise Undelivered(reason, retryable=True, is_uncertain=True) from error
    if method == "chat_update" and code in _NOT_EDITABLE:
        raise _NotEditable(f"Slack can't edit the message: {code}", retryable=False) from error
    remedy = f"; {_REMEDIES[code]}" if code in _REMEDIES else ""
    raise Undelivered(f"Slack refused the message: {code}{remedy}", retryable=False) from error


def _lost(error: Exception) -> NoReturn:
    """No answer, or half of one: the message may have arrived, unless nobody listened."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, ConnectionRefusedError):
        raise Undelivered("Slack can't be reached: connection refused", retryable=True) from error
    name = type(cause if isinstance(cause, Exception) else error).__name__
    raise Undelivered(f"Slack gave no answer ({name})", retryable=True, is_uncertain=True) from error


def _seconds(headers: Any) -> float:
    value = next((headers[name] for name in headers if str(name).lower() == "retry-after"), None)
    value = value[0] if isinstance(value, list) else value
    try:
        return min(3_600.0, max(1.0, float(value or 1)))
    except ValueError:
        return 1.0
