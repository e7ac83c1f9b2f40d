"""What a version changed against the one before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting_pipeline.domain.version_history import Difference, Version, differences, with_changes

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def version(number: int, body: dict[str, Any] | None) -> Version:
    at = BEGIN + timedelta(days=number)
    return Version(f"v{number}" if body else None, "a.yaml", None, None, None, at, None, body)


def test_a_change_is_named_by_its_key() -> None:
    before = {"condition": "a > 1", "parameters": {"limit": {"default": "10"}}, "severity": [{"level": "high"}]}
    after = {"condition": "a > 1", "parameters": {"limit": {"default": "12"}}, "severity": [{"level": "low"}], "for": 5}
    assert differences(before, after) == [
        Difference("parameters.limit.default", "10", "12"),
        Difference("severity.0.level", "high", "low"),
        Difference("for", None, 5),
    ]


def test_moving_a_file_changes_nothing_in_the_definition() -> None:
    assert differences({"path": "a.yaml", "title": "x"}, {"path": "b.yaml", "title": "x"}) == []


def test_versions_come_newest_first_and_the_first_one_changed_nothing() -> None:
    found = with_changes([version(0, {"a": 1}), version(1, {"a": 2}), version(2, None), version(3, {"a": 2})])
    assert [(item.version, [change.key for change in changes]) for item, changes in found] == [
        ("v3", []), (None, []), ("v1", ["a"]), ("v0", []),
    ]  # fmt: skip
