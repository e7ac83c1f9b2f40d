"""Jira Cloud's REST API, version 3, on loopback: one project, its rules and error forms, and a search that lags.

`lag` is how many searches must pass before a new issue is found, as the real one's index lags behind.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from tests.sinks.http_sink import HttpSink, Reply, Request

USER, TOKEN, PROJECT = "alerts@acme.example", "jira-loopback-token", "OPS"
_STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}
_TRANSITIONS = {"11": "To Do", "21": "In Progress", "31": "Done"}
_NODES = {"doc", "paragraph", "text", "bulletList", "listItem"}


@dataclass
class Issue:
    """One issue, by its key."""

    key: str
    fields: dict[str, Any]
    status: str = "To Do"
    resolution: str | None = None
    assignee: str | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    unseen: int = 0
    deleted: bool = False


class JiraIssues(HttpSink):
    """`issues` by key; `move`, `assign` and `delete` are what people do."""

    def __init__(self, lag: int = 0) -> None:
        super().__init__()
        self.issues: dict[str, Issue] = {}
        self.lag = lag

    def answer(self, request: Request) -> Reply:
        expected = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return Reply(
                401, {"errorMessages": ["Client must be authenticated to access this resource."], "errors": {}}
            )
        path = request.path.removeprefix("/rest/api/3")
        if (request.method, path) == ("POST", "/issue"):
            return self._create(request.json)
        if (request.method, path) == ("POST", "/search/jql"):
            return self._search(request.json)
        match = re.fullmatch(r"/issue/([A-Z]+-\d+)(/[a-z]+)?", path)
        issue = self.issues.get(match[1]) if match else None
        if match is None or issue is None or issue.deleted:
            return _refused(404, "Issue does not exist or you do not have permission to see it.")
        if match[2] == "/comment":
            return self._comment(issue, request)
        if match[2] == "/transitions":
            return self._transition(issue, request)
        if match[2] == "/changelog":
            values = [
                {
                    "author": {"displayName": who, "accountId": f"id-{who}"},
                    "items": [{"field": "status", "toString": to}],
                }
                for who, to in issue.history
            ]
            return Reply(200, {"values": values, "isLast": True})
        return Reply(200, _shown(issue))

    def move(self, key: str, to: str, by: str, resolution: str | None = None) -> None:
        issue = self.issues[key]
        issue.status, issue.resolution = to, resolution
        issue.history.append((by, to))

    def assign(self, key: str, to: str) -> None:
        self.issues[key].assignee = to

    def delete(self, key: str) -> None:
        self.issues[key].deleted = True

    # --- methods ------------------------------------------------------------------------------------------------------

    def _create(self, given: Any) -> Reply:
        fields, errors = given.get("fields", {}), {}
        if fields.get("project", {}).get("key") != PROJECT:
            errors["project"] = "valid project is required"
        if fields.get("issuetype", {}).get("name") not in ("Task", "Bug"):
            errors["issuetype"] = "Specify a valid issue type"
        summary = fields.get("summary", "")
        if not summary or len(summary) > 255 or "\n" in summary:
            errors["summary"] = "Summary must be one line of less than 255 characters."
        if any(" " in label or len(label) > 255 for label in fields.get("labels", [])):
            errors["labels"] = "The label can't contain spaces."
        if not _is_document(fields.get("description")):
            errors["description"] = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        if errors:
            return Reply(400, {"errorMessages": [], "errors": errors})
        issue = Issue(f"{PROJECT}-{len(self.issues) + 1}", fields, unseen=self.lag)
        self.issues[issue.key] = issue
        return Reply(201, {"id": str(10_000 + len(self.issues)), "key": issue.key, "self": f"{self.url}/{issue.key}"})

    def _search(self, given: Any) -> Reply:
        jql = given.get("jql", "")
        known = re.fullmatch(r'project = "(\w+)" AND labels = "([\w-]+)"( AND updated >= -\d+m)?', jql)
        if known is None:
            return _refused(400, f"Error in the JQL Query: {jql}")
        found = []
        for issue in self.issues.values():
            if issue.unseen:
                issue.unseen -= 1
            elif known[1] == PROJECT and known[2] in issue.fields["labels"] and not issue.deleted:
                found.append(_shown(issue))
        start, size = int(given.get("nextPageToken") or 0), min(5_000, int(given.get("maxResults", 50)))
        page: dict[str, Any] = {"issues": found[start : start + size], "isLast": start + size >= len(found)}
        return Reply(200, page if page["isLast"] else {**page, "nextPageToken": str(start + size)})

    def _comment(self, issue: Issue, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, {"comments": list(reversed(issue.comments)), "total": len(issue.comments)})
        if not _is_document(request.json.get("body")):
            return Reply(400, {"errorMessages": [], "errors": {"comment": "Comment body is not valid!"}})
        issue.comments.append(request.json)
        return Reply(201, {"id": str(len(issue.comments))})

    def _transition(self, issue: Issue, request: Request) -> Reply:
        if request.method == "GET":
            offered = [
                {"id": number, "name": name, "to": {"name": name, "statusCategory": {"key": _STATUSES[name]}}}
                for number, name in _TRANSITIONS.items()
                if name != issue.status
            ]
            return Reply(200, {"transitions": offered})
        name = _TRANSITIONS.get(request.json.get("transition", {}).get("id"))
        if name is None or name == issue.status:
            return _refused(400, "Transition id is not valid for this issue.")
        self.move(issue.key, name, "alerts-bot", "Done" if name == "Done" else None)
        return Reply(204)


def _shown(issue: Issue) -> dict[str, Any]:
    return {
        "key": issue.key,
        "fields": {
            "status": {"name": issue.status, "statusCategory": {"key": _STATUSES[issue.status]}},
            "resolution": {"name": issue.resolution} if issue.resolution else None,
            "assignee": {"displayName": issue.assignee} if issue.assignee else None,
        },
    }


def _is_document(node: Any) -> bool:
    """Atlassian's rules as far as we use them: known nodes, no empty text, links with an address."""
    if not isinstance(node, dict) or node.get("type") != "doc" or node.get("version") != 1:
        return False
    size = 0
    left = [node]
    while left:
        each = left.pop()
        if each.get("type") not in _NODES:
            return False
        if each["type"] == "text":
            size += len(each.get("text", ""))
            if not each.get("text") or any(
                mark["type"] not in ("strong", "link") or (mark["type"] == "link" and not mark["attrs"].get("href"))
                for mark in each.get("marks", [])
            ):
                return False
        if each["type"] in ("bulletList", "listItem") and not each.get("content"):
            return False
        left += each.get("content", [])
    return size <= 32_767


def _refused(status: int, message: str) -> Reply:
    return Reply(status, {"errorMessages": [message], "errors": {}})
