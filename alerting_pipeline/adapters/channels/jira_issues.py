"""Issues of Jira Cloud's REST API, version 3.

A new issue may be missing from a search for some minutes (Atlassian's "search and reconcile"), so that after a lost
answer nothing found means nothing until that time has passed; only then is the issue made again. Texts are documents of
Atlassian's format; a label names the conversation, and a property of a comment the delivery.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from alerting_pipeline.adapters.channels.http_client import Answer, HttpClient, judge
from alerting_pipeline.adapters.channels.secret_name import ReadSecret, secret
from alerting_pipeline.adapters.channels.ticket import LABEL, TicketSettings
from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.ticket import Changes, HeldTicket, Ticket, TicketState
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.ticket import comment_document, document, title

_PROPERTY = "alerting-delivery"
_MOST_PAGES = 20
_OVERLAP = timedelta(minutes=10)  # searches lag behind, and are asked for in whole minutes
_REMEDIES = {
    400: "does the project have this issue type, and are other fields required?",
    401: "the user or the token is not valid",
    403: "the user needs the right to create and change issues of the project",
    404: "the project is not there, or the user may not see it",
}
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_DONE = "done"


class JiraIssues:
    """The issues of one project that carry our label."""

    def __init__(self, settings: TicketSettings, read: ReadSecret, client: HttpClient) -> None:
        self._settings = settings
        self._api = f"{settings.url}/rest/api/3"
        self._read = read
        self._client = client

    def find(self, held: HeldTicket) -> Ticket | None:
        """By the label of the conversation. Raises Undelivered until a search is to be believed."""
        jql = f'project = "{self._settings.project}" AND labels = "{_label(held.marker)}"'
        found = self._search(jql, ["status"])
        if found:
            return self._ticket(str(found[0]["key"]))
        left = self._settings.settle.total_seconds() - (held.seconds_since_tried or 0)
        if left > 0:
            reason = "an issue may have been made whose answer was lost; Jira's search shows it after a while"
            raise Undelivered(reason, retryable=True, retry_after=max(1.0, left))
        return None

    def create(self, message: Message, marker: UUID) -> Ticket:
        fields = {
            "project": {"key": self._settings.project},
            "issuetype": {"name": self._settings.issue_type},
            "summary": title(message),
            "description": document(message),
            "labels": [LABEL, _label(marker), *self._settings.labels],
        }
        return self._ticket(str(self._ask("POST", "/issue", {"fields": fields})["key"]))

    def comment(self, ticket: Ticket, message: Message, key: UUID, *, look: bool) -> None:
        path = f"/issue/{quote(ticket.name)}/comment"
        if look:
            newest = self._ask("GET", f"{path}?orderBy=-created&maxResults=100&expand=properties")
            told = [item for each in newest.get("comments", ()) for item in each.get("properties", ())]
            if any(item.get("key") == _PROPERTY and item.get("value", {}).get("id") == str(key) for item in told):
                return
        properties = [{"key": _PROPERTY, "value": {"id": str(key)}}]
        self._ask("POST", path, {"body": comment_document(message), "properties": properties})

    def state(self, ticket: Ticket) -> TicketState | None:
        answer = self._answer("GET", f"/issue/{quote(ticket.name)}?fields=status,resolution,assignee")
        return None if answer.status == 404 else _state(self._good(answer))

    def close(self, ticket: Ticket, message: Message) -> None:
        self._move(ticket, to_done=True)

    def reopen(self, ticket: Ticket) -> None:
        self._move(ticket, to_done=False)

    def changes(self, mark: str, now: datetime) -> Changes:
        """The mark is when it was read last; a search is asked for what changed in the minutes since, and some more."""
        if not mark:
            return Changes([], now.astimezone(UTC).isoformat())
        minutes = int((now - datetime.fromisoformat(mark) + _OVERLAP).total_seconds() // 60) + 1
        jql = f'project = "{self._settings.project}" AND labels = "{LABEL}" AND updated >= -{minutes}m'
        states = []
        for issue in self._search(jql, ["status", "resolution", "assignee"]):
            state = _state(issue)
            states.append(self._with_closer(state) if state.is_closed else state)
        return Changes(states, now.astimezone(UTC).isoformat())

    def _with_closer(self, state: TicketState) -> TicketState:
        """Who made the last change of the status."""
        history = self._ask("GET", f"/issue/{quote(state.name)}/changelog?maxResults=100").get("values", ())
        by = ""
        for entry in history:
            if any(item.get("field") == "status" for item in entry.get("items", ())):
                author = entry.get("author") or {}
                by = str(author.get("emailAddress") or author.get("displayName") or author.get("accountId") or "")
        return TicketState(state.name, state.is_closed, by, state.why, state.assignee)

    def _move(self, ticket: Ticket, *, to_done: bool) -> None:
        path = f"/issue/{quote(ticket.name)}/transitions"
        offered = self._ask("GET", path).get("transitions", ())
        for transition in offered:
            is_done = transition.get("to", {}).get("statusCategory", {}).get("key") == _DONE
            if is_done == to_done:
                self._ask("POST", path, {"transition": {"id": str(transition["id"])}})
                return
        state = self.state(ticket)
        if state is not None and state.is_closed != to_done:
            reason = f"the workflow of {ticket.name} offers no way to {'close' if to_done else 'reopen'} it"
            raise Undelivered(f"{reason}; the user needs a transition there", retryable=False)

    # --- calling ------------------------------------------------------------------------------------------------------

    def _search(self, jql: str, fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: str | None = None
        for _ in range(_MOST_PAGES):
            given: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": 100}
            page = self._ask("POST", "/search/jql", {**given, **({"nextPageToken": token} if token else {})})
            found += page.get("issues", ())
            token = page.get("nextPageToken")
            if not token:
                break
        return found

    def _ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        return self._good(self._answer(method, path, given))

    def _answer(self, method: str, path: str, given: dict[str, Any] | None = None) -> Answer:
        pair = f"{self._settings.user}:{secret(self._settings.token_env, self._read)}".encode()
        headers = {"Accept": "application/json", "Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        content = None if given is None else json.dumps(given).encode("utf-8", "replace")
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._client.ask(method, f"{self._api}{path}", headers, content)

    def _good(self, answer: Answer) -> Any:
        if not answer.is_good:
            judge(answer, "Jira", _REMEDIES, _fields(answer))
        if answer.status == 204:
            return {}
        found = answer.json()
        if not isinstance(found, dict):
            raise Undelivered("Jira answered with something else than JSON", retryable=True, is_uncertain=True)
        return found

    def _ticket(self, key: str) -> Ticket:
        return Ticket(key, f"{self._settings.url}/browse/{key}")


def _label(marker: UUID) -> str:
    return f"{LABEL}-{marker.hex}"


def _state(issue: dict[str, Any]) -> TicketState:
    fields = issue.get("fields", {})
    category = ((fields.get("status") or {}).get("statusCategory") or {}).get("key")
    assignee = fields.get("assignee") or {}
    return TicketState(
        name=str(issue["key"]),
        is_closed=category == _DONE,
        why=str((fields.get("resolution") or {}).get("name", "")),
        assignee=str(assignee.get("emailAddress") or assignee.get("displayName") or ""),
    )


def _fields(answer: Answer) -> str:
    """Which fields were refused; Jira's sentences about them may quote what was sent."""
    said = answer.json()
    errors = said.get("errors") if isinstance(said, dict) else None
    names = errors if isinstance(errors, dict) else {}
    return ", ".join(name for name in names if _FIELD.fullmatch(name))
