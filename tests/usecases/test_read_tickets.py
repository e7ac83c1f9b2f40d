"""What people did with tickets comes back: through the lifecycle, named, once, and only where it is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from alerting_pipeline.adapters.channels.github_issues import GithubIssues as Github
from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.jira_issues import JiraIssues as Jira
from alerting_pipeline.adapters.channels.ticket import TicketChannel, TicketSettings
from alerting_pipeline.domain.incident import Disposition
from alerting_pipeline.domain.ticket import Changes
from alerting_pipeline.store.tickets import PostgresTicketBook
from alerting_pipeline.usecases.read_tickets import Reading, TicketQueue, read_tickets
from tests.adapters.channels.deliveries import delivery
from tests.rendering.cases import OPENED
from tests.sinks import github_issues, jira_issues
from tests.sinks.http_sink import Fault
from tests.usecases.world import World, definition

EVERY = timedelta(minutes=5)


@pytest.fixture
def number(world: World) -> int:
    """An open incident."""
    world.publish(definition())
    world.put({"id": "t1", "amount": 150})
    world.evaluate()
    return world.incidents()[0]["incident_id"]


@pytest.fixture
def github() -> Iterator[github_issues.GithubIssues]:
    with github_issues.GithubIssues() as server:
        yield server


@pytest.fixture
def jira() -> Iterator[jira_issues.JiraIssues]:
    with jira_issues.JiraIssues() as server:
        yield server


class Story:
    """One incident with its ticket, and the readings of the tickets' queue."""

    def __init__(self, world: World, number: int, server: Any) -> None:
        self.world, self.number = world, number
        client = HttpClient(Hosts(private=frozenset({server.host})), within=3)
        self.book = PostgresTicketBook(world.engine)
        if isinstance(server, github_issues.GithubIssues):
            settings = TicketSettings(
                system="github", repository=github_issues.REPOSITORY, url=server.url, token_env="TOKEN"
            )
            system: Any = Github(settings, lambda name: SecretStr(github_issues.TOKEN), client)
        else:
            settings = TicketSettings(
                system="jira", project="OPS", url=server.url, user=jira_issues.USER, token_env="TOKEN"
            )
            system = Jira(settings, lambda name: SecretStr(jira_issues.TOKEN), client)
        self.channel = TicketChannel(settings, system, self.book)
        self.queue = TicketQueue("tickets", self.channel, EVERY, settings.all_verdicts)

    def make(self) -> str:
        message = replace(OPENED, incident_id=self.number, thread=f"large.{self.number}")
        return str(self.channel.deliver(delivery(message, destination="tickets", channel="ticket")).data["ticket"])

    def read(self, **later: int) -> list[Reading]:
        self.world.later(**later)
        return read_tickets([self.queue], self.book, self.world.desk, self.world.now)

    @property
    def incident(self) -> dict[str, Any]:
        return self.world.incidents()[0]


def test_who_closes_an_issue_resolves_its_incident(
    world: World, number: int, github: github_issues.GithubIssues
) -> None:
    story = Story(world, number, github)
    story.read(minutes=0)
    story.make()
    github.close(1, "ada-gh", "not_planned")
    assert story.read(minutes=6) == [Reading("tickets", resolved=(number,))]
    incident = story.incident
    assert (incident["status"], incident["resolved_by"], incident["disposition"]) == (
        "resolved", "ticket:ada-gh", "expected",
    )  # fmt: skip
    [entry] = world.sql("select actor, action from ledger.audit_log")
    assert entry == {"actor": "ticket:ada-gh", "action": "incident_resolved"}
    assert world.messages()[-1] == ("resolved", "#risk")
    assert story.read(minutes=6) == [Reading("tickets")]


def test_who_takes_an_issue_acknowledges_its_incident_once(
    world: World, number: int, github: github_issues.GithubIssues
) -> None:
    story = Story(world, number, github)
    story.read(minutes=0)
    story.make()
    github.assign(1, "ben-gh")
    assert story.read(minutes=6) == [Reading("tickets", acknowledged=(number,))]
    assert story.incident["acknowledged_by"] == "ticket:ben-gh"
    github.assign(1, "cleo-gh")
    assert story.read(minutes=6) == [Reading("tickets")]
    assert story.incident["acknowledged_by"] == "ticket:ben-gh"


def test_who_closes_a_jira_issue_is_named_by_its_history(
    world: World, number: int, jira: jira_issues.JiraIssues
) -> None:
    story = Story(world, number, jira)
    story.read(minutes=0)
    assert story.make() == "OPS-1"
    jira.assign("OPS-1", "Ben Adler")
    assert story.read(minutes=6) == [Reading("tickets", acknowledged=(number,))]
    jira.move("OPS-1", "In Progress", "Ben Adler")
    jira.move("OPS-1", "Done", "Ada Okafor", "Duplicate")
    assert story.read(minutes=6) == [Reading("tickets", resolved=(number,))]
    assert (story.incident["resolved_by"], story.incident["disposition"]) == ("ticket:Ada Okafor", "duplicate")


def test_what_closed_with_its_incident_is_not_taken_for_a_persons_deed(
    world: World, number: int, github: github_issues.GithubIssues
) -> None:
    story = Story(world, number, github)
    story.read(minutes=0)
    story.make()
    world.put({"id": "t1", "amount": 1})
    world.evaluate()
    ended = replace(OPENED, incident_id=number, thread=f"large.{number}", transition="cleared", status="resolved")
    story.channel.deliver(delivery(ended, destination="tickets", channel="ticket"))
    assert github.issues[1].state == "closed"
    assert story.read(minutes=6) == [Reading("tickets")]
    assert story.incident["resolution"] == "cleared"


def test_a_queue_is_read_when_it_is_due_and_from_its_mark_on(
    world: World, number: int, github: github_issues.GithubIssues
) -> None:
    story = Story(world, number, github)
    story.read(minutes=0)
    story.make()
    asked = len(github.requests)
    assert story.read(minutes=3) == []
    assert len(github.requests) == asked
    for other in range(30):
        github.add(f"other {other}", ["alerting"])
    assert story.read(minutes=3) == [Reading("tickets")]
    asked = len(github.requests)
    story.read(minutes=6)
    assert len(github.requests) == asked + 1, "a reading costs what changed"


def test_a_queue_that_cannot_be_read_is_tried_again_and_keeps_no_other_from_it(
    world: World, number: int, github: github_issues.GithubIssues
) -> None:
    story = Story(world, number, github)
    story.read(minutes=0)
    story.make()
    github.close(1, "ada-gh")
    github.inject(Fault(502))
    world.later(minutes=6)
    quiet = TicketQueue("others", _Nothing(), EVERY)
    found = read_tickets([story.queue, quiet], story.book, world.desk, world.now)
    assert found == [Reading("tickets", failure="GitHub answered 502"), Reading("others")]
    assert story.read(minutes=3) == []
    assert story.read(minutes=3)[0].resolved == (number,)


def test_a_queue_that_is_never_read_is_left_alone(world: World) -> None:
    never = TicketQueue("tickets", _Nothing(), timedelta(0), {"done": Disposition.EXPECTED})
    assert read_tickets([never], PostgresTicketBook(world.engine), world.desk, world.now) == []


class _Nothing:
    def changes(self, mark: str, now: datetime) -> Changes:
        states: Sequence[Any] = ()
        return Changes(states, "x")
