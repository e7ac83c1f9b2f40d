"""Routing: the tree picks destinations, says by which branch and why, and never tells business of broken systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.destination import Destination, ad_hoc
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing import Facts, Routed, route
from alerting_pipeline.domain.routing_tree import RoutingTree, with_engineers

DESTINATIONS = {
    name: Destination(name=name, channel="slack", audience="engineering" if name == "engineers" else "business")
    for name in ("engineers", "risk", "risk-lead", "night", "everybody", "sheet")
}
BOOK = AddressBook(DESTINATIONS)
TREE = {
    "fallback": ["engineers", "everybody"],
    "routes": [
        {"name": "broken", "match": {"kind": ["data", "system"]}, "destinations": ["engineers", "risk"]},
        {
            "name": "fraud",
            "match": {"labels": {"area": "fraud"}},
            "destinations": ["risk"],
            "children": [
                {"name": "severe", "match": {"severity": ["critical"]}, "destinations": ["risk", "risk-lead"]},
                {"name": "north", "match": {"entity": {"region": ["north"]}}, "destinations": ["everybody"]},
            ],
        },
        {
            "name": "out of hours",
            "match": {"owner": "ops", "outside_hours": {"timezone": "Europe/Berlin"}},
            "destinations": ["night"],
            "continue": True,
        },
        {"name": "ops", "match": {"owner": "ops"}, "destinations": ["everybody"]},
    ],
}


def routed(
    kind: Kind = Kind.BUSINESS,
    severity: str = "medium",
    owner: str = "risk-ops",
    at: datetime | None = None,
    notify: tuple[str, ...] = (),
    **labels: str,
) -> Routed:
    entity = {"region": labels.pop("region")} if "region" in labels else {}
    facts = Facts("large", kind, severity, owner, labels, entity, at)
    return route(facts, RoutingTree.model_validate(TREE), BOOK, notify=notify, write_back=["sheet"])


def names(found: Routed) -> list[str]:
    return [destination.name for destination in found.destinations]


def test_a_branch_takes_what_it_matches_and_says_so() -> None:
    found = routed(area="fraud")
    assert names(found) == ["risk", "sheet"]
    assert found.path == ("fraud",)
    assert found.reasons == ('risk: by branch "fraud"', "sheet: named in write_back")
    assert [(item.path, item.matched, item.why) for item in found.considered] == [
        ("broken", False, "kind is business, not data or system"),
        ("fraud", True, "label area is fraud"),
        ("fraud / severe", False, "severity is medium, not critical"),
        ("fraud / north", False, "column region is not known, not north"),
    ]


def test_a_child_is_asked_before_its_parent() -> None:
    assert names(routed(severity="critical", area="fraud")) == ["risk", "risk-lead", "sheet"]
    assert routed(severity="critical", area="fraud", region="north").path == ("fraud / severe",)
    assert names(routed(area="fraud", region="north")) == ["everybody", "sheet"]


def test_what_no_branch_takes_goes_to_the_fallback() -> None:
    found = routed(area="other")
    assert found.path == ("fallback",)
    assert "engineers" in names(found)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_nobody_may_receive_stays_in_the_local_inbox(kind: Kind) -> None:
    nowhere = RoutingTree.model_validate({"routes": [{"match": {"owner": "x"}, "destinations": ["risk"]}]})
    assert names(route(Facts("large", kind, "high", "y"), nowhere, BOOK)) == ["local inbox"]
    business = RoutingTree.model_validate({"fallback": ["risk"]})
    expected = ["risk"] if kind is Kind.BUSINESS else ["local inbox"]
    assert names(route(Facts("large", kind, "high", "y"), business, BOOK)) == expected


def test_a_name_may_be_a_label_or_a_column() -> None:
    tree = RoutingTree.model_validate({"routes": [{"match": {"named": {"area": "fraud"}}, "destinations": ["risk"]}]})
    by_label = Facts("large", Kind.BUSINESS, "high", "y", labels={"area": "fraud"})
    by_column = Facts("large", Kind.BUSINESS, "high", "y", entity={"area": "fraud"})
    neither = Facts("large", Kind.BUSINESS, "high", "y", entity={"area": None})
    found = [route(facts, tree, BOOK).path for facts in (by_label, by_column, neither)]
    assert found == [("area is fraud",), ("area is fraud",), ("fallback",)]


def test_who_looks_after_failures_is_an_engineer_unless_somebody_says_who_is() -> None:
    tree = RoutingTree.model_validate(
        {
            "routes": [
                {"match": {"kind": ["data", "system"]}, "destinations": ["risk", "#ops"]},
                {"destinations": ["night"]},
            ]
        }
    )
    untold = {name: each.model_copy(update={"audience": "business"}) for name, each in DESTINATIONS.items()}
    engineers = {name for name, each in with_engineers(untold, tree).items() if each.audience == "engineering"}
    assert engineers == {"risk", "#ops"}
    assert with_engineers(DESTINATIONS, tree) == DESTINATIONS


def test_notify_is_added_and_named_once() -> None:
    found = routed(area="fraud", notify=("risk", "#extra", "ada@example.com", "unknown"))
    assert names(found) == ["risk", "#extra", "ada@example.com", "sheet"]


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.SYSTEM])
def test_business_never_hears_of_broken_data_or_systems(kind: Kind) -> None:
    found = routed(kind, area="fraud", notify=("risk", "#extra"))
    assert names(found) == ["engineers"]
    assert f"not risk: {kind.value} failures go to engineers only" in found.reasons


def test_hours_are_those_of_their_time_zone_and_continue_asks_on() -> None:
    monday_1730_berlin = datetime(2026, 7, 6, 15, 30, tzinfo=UTC)
    assert names(routed(owner="ops", at=monday_1730_berlin)) == ["night", "everybody", "sheet"]
    monday_1530_berlin = datetime(2026, 7, 6, 13, 30, tzinfo=UTC)
    assert names(routed(owner="ops", at=monday_1530_berlin)) == ["everybody", "sheet"]


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"fallback": [], "routes": []}, "fallback"),
        ({"fallback": ["a"], "routes": [{"name": "b"}]}, 'the branch "b" leads nowhere'),
        ({"fallback": ["a"], "routes": [{"match": {"hours": {"from": "18:00", "to": "09:00"}}, "destinations": ["a"]}]},
         "hours end after they start"),
        ({"fallback": ["a"], "routes": [{"match": {"severity": "worst"}, "destinations": ["a"]}]}, "critical"),
        ({"fallback": ["a"], "routes": [{"match": {"area": "x"}, "destinations": ["a"]}]}, "Extra inputs"),
    ],
)  # fmt: skip
def test_a_tree_that_makes_no_sense_is_refused(tree: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        RoutingTree.model_validate(tree)


def test_the_tree_survives_the_ledger() -> None:
    tree = RoutingTree.model_validate(TREE)
    assert RoutingTree.model_validate(tree.model_dump(mode="json", by_alias=True)) == tree


@pytest.mark.parametrize("entry", ["#", "", "risk", "a@", "@b", "a b@c", "a@b,c@d", "<a@b>"])
def test_only_channels_and_addresses_need_no_destination(entry: str) -> None:
    assert ad_hoc(entry) is None


def test_a_column_of_the_row_says_who_hears_of_it_and_business_addresses_hear_of_no_failure() -> None:
    people = People.model_validate({"people": {"ada": {"name": "Ada Okafor", "slack": "U000000ADA"}}})
    book = AddressBook(DESTINATIONS, people)
    tree = RoutingTree.model_validate(
        {"fallback": ["engineers"], "routes": [{"destinations": ["night"], "to_column": "manager"}]}
    )
    facts = Facts("large", Kind.BUSINESS, "high", "y", entity={"manager": "ada okafor"})
    assert names(route(facts, tree, book)) == ["night", "@ada"]
    failure = route(replace(facts, kind=Kind.DATA), tree, book)
    assert names(failure) == ["engineers"]
    assert "not @ada: data failures go to engineers only" in failure.reasons
