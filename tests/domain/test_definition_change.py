"""Which definitions differ, and which policies the changed ones break."""

from __future__ import annotations

from typing import Any

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_change import Change, broken, changes
from alerting_pipeline.rendering.plan_page import escape
from tests.usecases.world import definition


def named(alert: str, **values: Any) -> dict[str, AlertDefinition]:
    return {alert: definition(alert=alert, **values)}


def test_what_is_the_same_is_no_change_even_in_another_file() -> None:
    before = named("a")
    moved = {"a": before["a"].model_copy(update={"path": "elsewhere/a.yaml"})}
    assert changes(before, moved) == []


def test_added_changed_removed_and_renamed() -> None:
    before = {**named("a"), **named("b"), **named("c")}
    after = {**named("a", title="Other"), **named("d"), **named("e", renamed_from="c")}
    found = {item.name: (item.change, [each.key for each in item.differences]) for item in changes(before, after)}
    assert found["a"] == (Change.CHANGED, ["title"])
    assert (found["b"][0], found["d"][0]) == (Change.REMOVED, Change.ADDED)
    assert found["e"][0] is Change.RENAMED
    assert "c" not in found


def test_a_name_that_is_still_there_was_not_renamed() -> None:
    before = {**named("a")}
    after = {**named("a"), **named("b", renamed_from="a")}
    assert [(item.name, item.change) for item in changes(before, after)] == [("b", Change.ADDED)]


def test_a_removed_definition_breaks_no_policy() -> None:
    [removed] = changes(named("a"), {})
    assert list(broken(removed, None)) == []


def test_a_definition_without_case_and_runbook_breaks_both() -> None:
    [added] = changes({}, {"a": definition(alert="a").model_copy(update={"cases": (), "runbook": None})})
    assert [each.rule for each in broken(added, None)] == ["case", "runbook"]


def test_data_makes_no_markup_in_a_pull_request() -> None:
    hostile = "@everyone [x](http://evil.example) <img src=x> | a\nb `c`"
    assert escape(hostile) == (
        r"\@everyone \[x\]\(http://evil.example\) \<img src=x\> \| a b \`c\`"
    )  # fmt: skip
