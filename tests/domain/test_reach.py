"""The edges of the lineage from alerts to destinations agree with what routing would decide."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.reach import reachable
from alerting_pipeline.domain.routing import Facts, route
from alerting_pipeline.domain.routing_tree import RoutingTree

NAMES = ("#a", "#b", "#c", "#d", "everybody")
DESTINATIONS = {name: Destination(name=name, channel="slack", audience="engineering") for name in NAMES}
BOOK = AddressBook(DESTINATIONS)
MOMENTS = (datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 1, 5, 23, tzinfo=UTC))


def _definition(levels: tuple[str, ...] = ("critical", "medium"), **more: object) -> AlertDefinition:
    severity = [{"level": level, "when": "deviance > 1"} for level in levels[:-1]] + [{"level": levels[-1]}]
    return AlertDefinition.model_validate(
        {
            "alert": "late", "model": "m", "entity": "id", "condition": "x > 1", "owner": "ops", "severity": severity,
            "runbook": "r.md", "summary": "s", "link": "https://example.com", "labels": {"area": "fraud"}, **more,
        }
    )  # fmt: skip


def _names(definition: AlertDefinition, tree: RoutingTree) -> set[str]:
    return {destination.name for destination in reachable(definition, tree, BOOK)}


def _tree(*routes: dict[str, object]) -> RoutingTree:
    return RoutingTree.model_validate({"fallback": ["everybody"], "routes": list(routes)})


def test_each_branch_that_some_severity_takes_is_reached_and_the_fallback_is_not():
    inner = {"name": "bad", "match": {"severity": "critical"}, "destinations": ["#b"]}
    tree = _tree({"name": "fraud", "match": {"labels": {"area": "fraud"}}, "destinations": ["#a"], "children": [inner]})
    assert _names(_definition(), tree) == {"#a", "#b"}


def test_a_branch_of_another_area_is_not_reached():
    tree = _tree({"name": "cost", "match": {"labels": {"area": "cost"}}, "destinations": ["#a"]})
    assert _names(_definition(), tree) == {"everybody"}


def test_what_depends_on_the_row_or_the_hour_may_or_may_not_take_it():
    tree = _tree(
        {"name": "north", "match": {"entity": {"region": "north"}}, "destinations": ["#a"]},
        {"name": "day", "match": {"hours": {}}, "destinations": ["#b"]},
        {"name": "rest", "destinations": ["#c"]},
        {"name": "never", "destinations": ["#d"]},
    )
    assert _names(_definition(), tree) == {"#a", "#b", "#c"}


def test_notify_and_write_back_are_edges_too():
    tree = _tree({"name": "all", "destinations": ["#a"]})
    definition = _definition(notify=["someone@example.com", "#new"], write_back=[{"sheet": "#d"}])
    assert _names(definition, tree) == {"#a", "#d", "#new", "someone@example.com"}


_matches = st.fixed_dictionaries(
    {},
    optional={
        "severity": st.lists(st.sampled_from(["critical", "high", "medium"]), min_size=1, unique=True),
        "labels": st.sampled_from([{"area": ["fraud"]}, {"area": ["cost"]}]),
        "owner": st.sampled_from([["ops"], ["others"]]),
        "entity": st.just({"region": ["north"]}),
        "hours": st.just({}),
    },
)


def _branches(depth: int) -> st.SearchStrategy[list[Any]]:
    branch = st.fixed_dictionaries(
        {
            "name": st.just("b"),
            "match": _matches,
            "destinations": st.lists(st.sampled_from(NAMES[:4]), min_size=1, max_size=2, unique=True),
            "continue": st.booleans(),
            "children": _branches(depth - 1) if depth else st.just([]),
        }
    )
    return st.lists(branch, max_size=3)


@given(_branches(2))
def test_whatever_routing_decides_is_an_edge_of_the_lineage(routes: list[Any]):
    tree, definition = _tree(*routes), _definition(("critical", "high", "medium"))
    drawn = _names(definition, tree)
    for level, region, at in product(("critical", "high", "medium"), ("north", "south"), MOMENTS):
        facts = Facts("late", Kind.BUSINESS, level, "ops", {"area": "fraud"}, {"region": region}, at)
        assert {destination.name for destination in route(facts, tree, BOOK).destinations} <= drawn


@given(_branches(2))
def test_where_nothing_depends_on_the_row_there_is_no_edge_too_many(routes: list[Any]):
    def strip(branches: list[Any]) -> None:
        for branch in branches:
            match = branch["match"]
            assert isinstance(match, dict)
            match.pop("entity", None)
            match.pop("hours", None)
            children = branch["children"]
            assert isinstance(children, list)
            strip(children)

    strip(routes)
    tree, definition = _tree(*routes), _definition(("critical", "high", "medium"))
    decided = {
        destination.name
        for level in ("critical", "high", "medium")
        for destination in route(Facts("late", Kind.BUSINESS, level, "ops", {"area": "fraud"}), tree, BOOK).destinations
    }
    assert _names(definition, tree) == decided
