"""Issues of GitHub's REST API.

A lost answer is looked for in the list of issues by label, not by search: a search answers from an index that lags
behind. GitHub says 403 both for what is forbidden and for its rate limits; the headers tell them apart.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from alerting_pipeline.adapters.channels.http_client import Answer, HttpClient, judge
from alerting_pipeline.adapters.channels.secret_name import ReadSecret, secret
from alerting_pipeline.adapters.channels.ticket import LABEL, TicketSettings
from alerting_pipeline.domain.ports import Undelivered
from alerting_pipeline.domain.ticket import Changes, HeldTicket, Ticket, TicketState
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.ticket import body, comment, mark, title

_MOST_PAGES = 10
_LONGEST_WAIT = 3_600.0
_SECONDARY_WAIT = 60.0  # what GitHub asks for where it names no time
_SLACK = timedelta(hours=1)  # between our clock and theirs
_REMEDIES = {
    401: "the token is not valid",
    403: "the token needs the right to write issues of the repository",
    404: "the repository is not there, or the token may not see it",
    410: "issues are switched off in this repository",
}
_CODE = re.compile(r"[a-z_.]{1,40}")


class GithubIssues:
    """The issues of one repository that carry our label."""

    def __init__(
        self, settings: TicketSettings, read: ReadSecret, client: HttpClient, clock: Callable[[], float] = time.time
    ) -> None:
        self._token = settings.token_env
        self._labels = [LABEL, *settings.labels]
        self._issues = f"{settings.url or 'https://api.github.com'}/repos/{settings.repository}/issues"
        self._read = read
        self._client = client
        self._clock = clock

    def find(self, held: HeldTicket) -> Ticket | None:
        """Among the issues with our label that changed since shortly before the attempt, newest first."""
        since = datetime.fromtimestamp(self._clock() - (held.seconds_since_tried or 0), UTC) - _SLACK
        wanted = mark(held.marker)
        for issue in self._listed(since=_written(since), state="all", sort="created", direction="desc"):
            if wanted in (issue.get("body") or ""):
                return _ticket(issue)
        return None

    def create(self, message: Message, marker: UUID) -> Ticket:
        given = {"title": title(message), "body": body(message, marker), "labels": self._labels}
        return _ticket(self._ask("POST", self._issues, given))

    def comment(self, ticket: Ticket, message: Message, key: UUID, *, look: bool) -> None:
        url = f"{self._issues}/{ticket.name}/comments"
        if look and any(mark(key) in (each.get("body") or "") for each in self._pages(url, {"per_page": "100"})):
            return
        self._ask("POST", url, {"body": comment(message, key)})

    def state(self, ticket: Ticket) -> TicketState | None:
        answer = self._answer("GET", f"{self._issues}/{ticket.name}")
        if answer.status in (301, 404, 410):  # transferred, or deleted
            return None
        return _state(self._good(answer))

    def close(self, ticket: Ticket, message: Message) -> None:
        is_worth_it = message.transition == "cleared" or "true positive" in message.note
        given = {"state": "closed", "state_reason": "completed" if is_worth_it else "not_planned"}
        self._ask("PATCH", f"{self._issues}/{ticket.name}", given)

    def reopen(self, ticket: Ticket) -> None:
        self._ask("PATCH", f"{self._issues}/{ticket.name}", {"state": "open"})

    def changes(self, mark: str, now: datetime) -> Changes:
        """The mark is the newest `updated_at` that was seen: GitHub's clock, and inclusive, so nothing is missed."""
        newest = mark or _written(now)
        states = []
        for issue in self._listed(since=newest, state="all", sort="updated", direction="asc"):
            newest = max(newest, str(issue.get("updated_at") or ""))
            # Who closed it stands in the issue itself, not in the list.
            detail = self._ask("GET", f"{self._issues}/{issue['number']}") if issue.get("state") == "closed" else issue
            states.append(_state(detail))
        return Changes(states, newest)

    # --- calling ------------------------------------------------------------------------------------------------------

    def _listed(self, **query: str) -> Iterator[dict[str, Any]]:
        for issue in self._pages(self._issues, {"labels": LABEL, "per_page": "100", **query}):
            if "pull_request" not in issue:  # pull requests are issues too
                yield issue

    def _pages(self, url: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        for number in range(1, _MOST_PAGES + 1):
            page = self._ask("GET", f"{url}?{urlencode({**query, 'page': str(number)})}")
            yield from page
            if len(page) < int(query["per_page"]):
                return

    def _ask(self, method: str, url: str, given: dict[str, Any] | None = None) -> Any:
        return self._good(self._answer(method, url, given))

    def _answer(self, method: str, url: str, given: dict[str, Any] | None = None) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {secret(self._token, self._read)}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        content = None if given is None else json.dumps(given).encode("utf-8", "replace")
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._client.ask(method, url, headers, content)

    def _good(self, answer: Answer) -> Any:
        if answer.status in (403, 429) and (wait := self._wait(answer)):
            raise Undelivered("GitHub asks to slow down", retryable=True, retry_after=wait)
        if not answer.is_good:
            judge(answer, "GitHub", _REMEDIES, _codes(answer))
        found = answer.json()
        if found is None:
            raise Undelivered("GitHub answered with something else than JSON", retryable=True, is_uncertain=True)
        return found

    def _wait(self, answer: Answer) -> float | None:
        """Seconds to wait where it is a rate limit; None where something is forbidden."""
        if answer.retry_after is not None:
            return answer.retry_after
        if answer.headers.get("x-ratelimit-remaining") == "0":
            reset = answer.headers.get("x-ratelimit-reset", "")
            left = float(reset) - self._clock() if reset.isdecimal() else _SECONDARY_WAIT
            return min(_LONGEST_WAIT, max(1.0, left))
        said = answer.json()
        told = str(said.get("message", "")) if isinstance(said, dict) else ""
        return _SECONDARY_WAIT if answer.status == 429 or "secondary rate limit" in told.lower() else None


def _ticket(issue: dict[str, Any]) -> Ticket:
    return Ticket(str(issue["number"]), str(issue.get("html_url", "")))


def _state(issue: dict[str, Any]) -> TicketState:
    return TicketState(
        name=str(issue["number"]),
        is_closed=issue.get("state") == "closed",
        by=str((issue.get("closed_by") or {}).get("login", "")),
        why=str(issue.get("state_reason") or ""),
        assignee=str((issue.get("assignee") or {}).get("login", "")),
    )


def _codes(answer: Answer) -> str:
    """Which field was refused and how; never a value."""
    said = answer.json()
    errors = said.get("errors") if isinstance(said, dict) else None
    told = [f"{each.get('field')} {each.get('code')}" for each in errors or () if isinstance(each, dict)]
    return ", ".join(text for text in told if all(_CODE.fullmatch(part) for part in text.split()))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
