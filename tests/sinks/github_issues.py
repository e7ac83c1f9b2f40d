"""GitHub's REST API for issues on loopback: one repository, its rules and its answers, and a search that lags.

`now` is GitHub's clock (seconds); every change moves it on, so that instants differ.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.sinks.http_sink import HttpSink, Reply, Request

TOKEN = "ghp-loopback-token"
REPOSITORY = "acme/operations"
BOT = "alerts-bot"


@dataclass
class Issue:
    """One issue. `deleted`: somebody with the right to do so removed it."""

    number: int
    title: str
    body: str
    labels: list[str]
    created_at: float
    updated_at: float
    state: str = "open"
    state_reason: str | None = None
    closed_by: str | None = None
    assignee: str | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)
    is_pull_request: bool = False
    deleted: bool = False


class GithubIssues(HttpSink):
    """`issues` by number; `close`, `assign` and `delete` are what people do."""

    def __init__(self, *, may_write: bool = True, has_issues: bool = True) -> None:
        super().__init__()
        self.issues: dict[int, Issue] = {}
        self.now = time.time()
        self._may_write = may_write
        self._has_issues = has_issues

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _said(401, "Bad credentials")
        if not request.headers.get("user-agent"):
            return _said(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
        prefix = f"/repos/{REPOSITORY}/issues"
        if not request.path.startswith(prefix):
            return _said(404, "Not Found")
        if not self._has_issues:
            return _said(410, "Issues are disabled for this repo")
        if request.method != "GET" and not self._may_write:
            return _said(403, "Resource not accessible by personal access token")
        parts = [part for part in request.path.removeprefix(prefix).split("/") if part]
        if not parts:
            return self._create(request.json) if request.method == "POST" else self._list(request.query)
        issue = self.issues.get(int(parts[0]))
        if issue is None:
            return _said(404, "Not Found")
        if issue.deleted:
            return _said(410, "This issue was deleted")
        if parts[1:] == ["comments"]:
            return self._comments(issue, request)
        return self._edit(issue, request.json) if request.method == "PATCH" else Reply(200, _shown(issue, True))

    # --- what people do -----------------------------------------------------------------------------------------------

    def close(self, number: int, by: str, reason: str = "completed") -> None:
        issue = self.issues[number]
        issue.state, issue.state_reason, issue.closed_by = "closed", reason, by
        issue.updated_at = self._tick()

    def assign(self, number: int, to: str) -> None:
        self.issues[number].assignee = to
        self.issues[number].updated_at = self._tick()

    def delete(self, number: int) -> None:
        self.issues[number].deleted = True

    def add(self, title: str, labels: list[str], *, is_pull_request: bool = False) -> Issue:
        """An issue that somebody else made."""
        moment = self._tick()
        issue = Issue(len(self.issues) + 1, title, "", labels, moment, moment, is_pull_request=is_pull_request)
        self.issues[issue.number] = issue
        return issue

    # --- methods ------------------------------------------------------------------------------------------------------

    def _create(self, given: Any) -> Reply:
        errors = [
            {"resource": "Issue", "field": name, "code": "too_long" if given.get(name) else "missing_field"}
            for name, longest in (("title", 256), ("body", 65_536))
            if not 0 < len(given.get(name) or "") <= longest
        ]
        errors += [
            {"resource": "Label", "field": "name", "code": "invalid"}
            for label in given.get("labels", [])
            if not 0 < len(label) <= 50
        ]
        if errors:
            return Reply(422, {"message": "Validation Failed", "errors": errors, "status": "422"})
        issue = self.add(given["title"], list(given.get("labels", [])))
        issue.body = given["body"]
        return Reply(201, _shown(issue, True))

    def _list(self, query: dict[str, str]) -> Reply:
        wanted = {label for label in query.get("labels", "").split(",") if label}
        since = query.get("since", "")
        found = [
            issue
            for issue in self.issues.values()
            if not issue.deleted
            and wanted <= set(issue.labels)
            and query.get("state", "open") in ("all", issue.state)
            and _written(issue.updated_at) >= since
        ]
        order = "updated_at" if query.get("sort") == "updated" else "created_at"
        found.sort(key=lambda issue: getattr(issue, order), reverse=query.get("direction", "desc") == "desc")
        size, page = min(100, int(query.get("per_page", 30))), int(query.get("page", 1))
        return Reply(200, [_shown(issue, False) for issue in found[(page - 1) * size : page * size]])

    def _comments(self, issue: Issue, request: Request) -> Reply:
        if request.method == "GET":
            size, page = min(100, int(request.query.get("per_page", 30))), int(request.query.get("page", 1))
            return Reply(200, issue.comments[(page - 1) * size : page * size])
        text = request.json.get("body", "")
        if not 0 < len(text) <= 65_536:
            return Reply(422, {"message": "Validation Failed", "errors": [{"field": "body", "code": "too_long"}]})
        issue.comments.append({"id": len(issue.comments) + 1, "body": text, "user": {"login": BOT}})
        issue.updated_at = self._tick()
        return Reply(201, issue.comments[-1])

    def _edit(self, issue: Issue, given: Any) -> Reply:
        if given.get("state") not in (None, "open", "closed"):
            return Reply(422, {"message": "Validation Failed", "errors": [{"field": "state", "code": "invalid"}]})
        if given.get("state") == "closed" and issue.state == "open":
            issue.state, issue.closed_by = "closed", BOT
            issue.state_reason = given.get("state_reason", "completed")
        elif given.get("state") == "open" and issue.state == "closed":
            issue.state, issue.closed_by, issue.state_reason = "open", None, "reopened"
        issue.updated_at = self._tick()
        return Reply(200, _shown(issue, True))

    def _tick(self) -> float:
        self.now += 1
        return self.now


def _shown(issue: Issue, is_whole: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "number": issue.number,
        "html_url": f"https://github.example/{REPOSITORY}/issues/{issue.number}",
        "title": issue.title,
        "body": issue.body,
        "labels": [{"name": label} for label in issue.labels],
        "state": issue.state,
        "state_reason": issue.state_reason,
        "assignee": {"login": issue.assignee} if issue.assignee else None,
        "created_at": _written(issue.created_at),
        "updated_at": _written(issue.updated_at),
    }
    if issue.is_pull_request:
        shown["pull_request"] = {"url": "https://api.github.example/pulls/1"}
    if is_whole:  # the list does not say who closed an issue
        shown["closed_by"] = {"login": issue.closed_by} if issue.closed_by else None
    return shown


def _said(status: int, message: str) -> Reply:
    return Reply(
        status, {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    )


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
