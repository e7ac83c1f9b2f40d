"""Which definitions differ, and which policies the changed ones break."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_change import Change, Plan, broken, changes
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.rerouting import rerouted
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.system_override import SystemOverride
from alerting_pipeline.rendering.plan_page import errors_page, escape, plan_page
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


def test_only_what_a_kind_can_have_is_asked_of_it() -> None:
    override = SystemOverride(alert="evaluation_error", kind="system", owner="data-team")
    [added] = changes({}, {"evaluation_error": override})
    assert (added.kind, list(broken(added, None))) == ("system", [])
    report = ReportDefinition.model_validate(
        {"report": "letter", "owner": "risk", "model": "m", "entity": "id", "to_column": "email", "subject": "x",
         "template": "a.html", "trigger": {"cron": "0 8 * * 1"}}
    )  # fmt: skip
    assert [each.rule for each in broken(changes({}, {"letter": report})[0], None)] == ["case"]


def test_an_alert_that_reaches_others_is_rerouted_with_what_differs_and_no_other_is() -> None:
    def of(routes: list[Any], budget: str = "5 per week") -> DefinitionSet:
        people = {"people": {}, "teams": {"risk": {"members": [], "slack": "#risk", "budget": budget}}}
        tree = {"fallback": ["#all"], "routes": routes}
        places = {name: Destination(name=name, channel="slack") for name in ("#risk", "#all")}
        return DefinitionSet(
            {**named("a", labels={"area": "fraud"}), **named("b")},
            People.model_validate(people),
            RoutingTree.model_validate(tree),
            places,
        )

    fraud = [{"name": "fraud", "match": {"labels": {"area": "fraud"}}, "destinations": ["#risk"]}]
    assert list(rerouted(of(fraud), of(fraud))) == []
    [found] = rerouted(of([]), of(fraud))
    assert (found.name, found.change) == ("a", Change.REROUTED)
    assert {(each.key.split(" (")[0], each.before, each.after) for each in found.differences} == {
        ("destinations", "#all", "#risk"),
        ("budget of risk", None, "5 per week"),
    }
    [narrower] = rerouted(of(fraud), of(fraud, "1 per week"))
    assert [(each.key, each.before, each.after) for each in narrower.differences] == [
        ("budget of risk", "5 per week", "1 per week")
    ]
    assert list(broken(replace(narrower, after=narrower.definition.model_copy(update={"cases": ()})), None)) == []


def test_data_makes_no_markup_in_a_pull_request() -> None:
    """GitHub looks for mentions, issues and addresses after the backslashes are gone."""
    none = "&#8203;"
    hostile = "@everyone [x](http://evil.example) <img src=x> | a\nb `c` &#64;ada #1 GH-2 www.evil.example $x$"
    assert escape(hostile, 200) == (
        rf"\@{none}everyone \[x\]\(http:{none}//evil.example\) \<img src=x\> \| a b \`c\` \&\#{none}64;ada "
        rf"\#{none}1 GH\-{none}2 www{none}.evil.example \$x\$"
    )
    assert escape("a\u202eb\u200bc") == "a b c", "signs that turn or hide the others"


def test_a_sentence_of_a_plan_is_not_cut_like_a_value() -> None:
    page = plan_page(Plan("main", (), 3, 90, notes=("a note " * 30,)))
    assert ("a note " * 30).strip() in page
    assert errors_page(["a.yaml:1:1: x; y"]).splitlines()[0] == "## Alerts: an error in the files, so there is no plan"
    assert errors_page(["x"] * 60).splitlines()[-1] == "* and 10 more"
