"""Names of people and teams as destinations: who is meant at an instant, and that nobody hears what is not for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alerting_pipeline.domain.contact import AddressBook
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.incident import Kind
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.routing import Facts, route
from alerting_pipeline.domain.routing_tree import RoutingTree

AT = datetime(2026, 1, 6, 12, tzinfo=UTC)
ROTA = {"starts": "2026-01-05", "weekly": ["farah", "goran"]}
PEOPLE: dict[str, Any] = {
    "ada": {"slack": "U000000ADA", "email": "ada@example.com"},
    "ben": {"email": "ben@example.com"},
    "farah": {"slack": "U0000FARAH"},
    "goran": {"email": "goran@example.com"},
    "hana": {},
    "ines": {"slack": "U00000INES"},
}
TEAMS: dict[str, Any] = {
    "data-team": {"rota": ROTA, "lead": "ines", "slack": "#data-team", "audience": "engineering"},
    "risk-ops": {"members": ["ada", "ben"], "email": "risk@example.com"},
    "clerks": {"members": ["ada", "ben", "hana"]},
}


def book(people: dict[str, Any] | None = None, teams: dict[str, Any] | None = None) -> AddressBook:
    known = People.model_validate({"people": {**PEOPLE, **(people or {})}, "teams": {**TEAMS, **(teams or {})}})
    return AddressBook({"#data-team": Destination(name="#data-team", channel="slack", audience="engineering")}, known)


def told(name: str, at: datetime | None = AT, **changed: Any) -> list[tuple[str, str, Any]]:
    reached = book(changed).find(name, at)
    return [(each.name, each.channel, each.settings.get("to")) for each in reached.destinations]


def test_a_person_is_a_direct_message_in_slack_or_a_mail() -> None:
    assert told("@ada") == [("@ada", "slack", "U000000ADA")]
    assert told("@ben") == [("@ben", "email", ["ben@example.com"])]
    assert told("@nobody") == told("ada") == []


def test_a_team_is_whoever_is_on_call_for_it() -> None:
    assert told("@data-team") == [("@farah", "slack", "U0000FARAH")]
    assert told("@data-team", AT.replace(day=13)) == [("@goran", "email", ["goran@example.com"])]
    assert [name for name, _, _ in told("@data-team", None)] == ["@farah", "@goran"]
    why = book().find("@data-team", AT).why
    assert why == "on call for data-team until Mon 2026-01-12 00:00 UTC (the week of farah)"


def test_a_team_without_a_rota_is_its_own_address_or_all_of_its_members() -> None:
    assert told("@risk-ops") == [("risk@example.com", "email", ["risk@example.com"])]
    assert [name for name, _, _ in told("@clerks")] == ["@ada", "@ben"]


def test_whoever_is_away_is_stood_in_for_and_who_left_is_not_written_to() -> None:
    days = {"from": "2026-01-05", "to": "2026-01-07"}
    assert told("@ada", ada={**PEOPLE["ada"], "absences": [{**days, "substitute": "ben"}]})[0][0] == "@ben"
    assert told("@ada", ada={**PEOPLE["ada"], "absences": [days]})[0][0] == "@ada"
    assert [name for name, _, _ in told("@ada", ada={**PEOPLE["ada"], "left": "2026-01-01"})] == [
        "risk@example.com", "@ben",
    ]  # fmt: skip


def test_where_nobody_is_on_call_or_without_an_address_the_team_hears_of_it() -> None:
    away = {"absences": [{"from": "2026-01-05", "to": "2026-01-07"}]}
    reached = book({"farah": away, "goran": away}).find("@data-team", AT)
    assert [each.name for each in reached.destinations] == ["#data-team"]
    assert reached.why.startswith("nobody is on call for data-team")
    reached = book({"farah": {}}).find("@data-team", AT)
    assert [each.name for each in reached.destinations] == ["#data-team"]
    assert reached.why.startswith("farah has no address")


def test_owner_and_lead_of_a_team_are_reached() -> None:
    assert [each.name for each in book().lead("data-team", AT).destinations] == ["@ines"]
    assert [each.name for each in book().lead("risk-ops", AT).destinations] == ["risk@example.com"]
    assert [each.name for each in book().team("data-team").destinations] == ["#data-team"]
    assert book().team("nobody").destinations == ()


@pytest.mark.parametrize("kind", list(Kind))
def test_only_people_of_teams_of_engineers_hear_of_failures(kind: Kind) -> None:
    tree = RoutingTree.model_validate({"routes": [{"destinations": ["@ada", "@data-team", "@risk-ops", "@ines"]}]})
    routed = route(Facts("late", kind, "high", "data-team", at=AT), tree, book())
    everybody = ["@ada", "@farah", "risk@example.com", "@ines"]
    expected = everybody if kind is Kind.BUSINESS else ["@farah", "@ines"]
    assert [each.name for each in routed.destinations] == expected
    assert any("@farah" in reason and "on call for data-team until" in reason for reason in routed.reasons)


def test_who_stands_in_for_engineers_is_told_what_engineers_are_told() -> None:
    away = {"slack": "U0000FARAH", "absences": [{"from": "2026-01-05", "to": "2026-01-07", "substitute": "ada"}]}
    tree = RoutingTree.model_validate({"routes": [{"destinations": ["@data-team"]}]})
    routed = route(Facts("late", Kind.DATA, "high", "data-team", at=AT), tree, book({"farah": away}))
    assert [each.name for each in routed.destinations] == ["@ada"]


def test_what_was_addressed_to_a_person_can_be_handed_over_later() -> None:
    assert book().look_up("@farah") == book().find("@data-team", AT).destinations[0]
    assert book().look_up("@data-team") is None
    assert book().look_up("@nobody") is None
    found = book().look_up("#other")
    assert found is not None and found.channel == "slack"
