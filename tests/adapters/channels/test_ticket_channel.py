"""Tickets against servers that speak GitHub's and Jira's documented API: one per incident, whatever happens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine

from alerting_pipeline.adapters.channels.github_issues import GithubIssues as Github
from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.jira_issues import JiraIssues as Jira
from alerting_pipeline.adapters.channels.ticket import TicketChannel, TicketSettings
from alerting_pipeline.domain.ports import Delivery, Receipt, Undelivered
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.tickets import PostgresTicketBook
from tests.adapters.channels.deliveries import delivery
from tests.conftest import Database
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile
from tests.sinks import github_issues, jira_issues
from tests.sinks.http_sink import Fault

# Conversations without an incident of the ledger: the book knows them by their thread.
OPEN = replace(OPENED, incident_id=None)
UPDATED, ACKNOWLEDGED, CLEARED = (
    replace(CASES[name], incident_id=None) for name in ("updated", "acknowledged", "cleared")
)
REOPENED = replace(OPEN, transition="reopened", note="It is back.")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    made = engine_for(database.app_url)
    yield made
    made.dispose()


@pytest.fixture
def github() -> Iterator[github_issues.GithubIssues]:
    with github_issues.GithubIssues() as server:
        yield server


@pytest.fixture
def jira() -> Iterator[jira_issues.JiraIssues]:
    with jira_issues.JiraIssues() as server:
        yield server


def in_github(server: Any, engine: Engine, token: str = github_issues.TOKEN, **settings: Any) -> TicketChannel:
    given = TicketSettings(
        system="github", repository=github_issues.REPOSITORY, url=server.url, token_env="TICKET_TOKEN", **settings
    )
    client = HttpClient(Hosts(private=frozenset({server.host})), within=3)
    system = Github(given, lambda name: SecretStr(token), client)
    return TicketChannel(given, system, PostgresTicketBook(engine))


def in_jira(server: Any, engine: Engine, token: str = jira_issues.TOKEN, **settings: Any) -> TicketChannel:
    fixed = {"system": "jira", "project": "OPS", "url": server.url, "user": jira_issues.USER}
    given = TicketSettings(**{**fixed, "token_env": "TICKET_TOKEN", **settings})
    client = HttpClient(Hosts(private=frozenset({server.host})), within=3)
    return TicketChannel(given, Jira(given, lambda name: SecretStr(token), client), PostgresTicketBook(engine))


def sent(message: Message = OPEN, **changes: Any) -> Delivery:
    return delivery(message, destination="tickets", channel="ticket", **changes)


# --- GitHub -----------------------------------------------------------------------------------------------------------


def test_an_incident_is_one_issue_commented_closed_and_reopened_with_it(
    github: github_issues.GithubIssues, engine: Engine
) -> None:
    tickets = in_github(github, engine, labels=("fraud",))
    receipt = tickets.deliver(sent())
    assert receipt.data["ticket"] == "1" and receipt.data["url"].endswith("/issues/1")
    for message in (UPDATED, ACKNOWLEDGED, CLEARED):
        assert tickets.revise(sent(message), receipt).data["ticket"] == "1"
    (issue,) = github.issues.values()
    assert issue.labels == ["alerting", "fraud"]
    assert issue.title.startswith("Large transaction: Fred Enriquez")
    assert [comment["body"].split(":")[0] for comment in issue.comments] == ["Changed\\", "Taken\\", "Cleared\\"]
    assert (issue.state, issue.state_reason) == ("closed", "completed")
    tickets.revise(sent(REOPENED), receipt)
    assert issue.state == "open" and len(github.issues) == 1


def test_a_lost_answer_is_looked_for_and_no_second_issue_is_made(
    github: github_issues.GithubIssues, engine: Engine
) -> None:
    first = sent()
    github.inject(Fault(hang_up=True, takes_it=True, method="POST"))
    with pytest.raises(Undelivered) as error:
        in_github(github, engine).deliver(first)
    assert error.value.is_uncertain
    for number in range(150):  # a busy repository: others' issues, some with our label
        github.add(f"other {number}", ["alerting"], is_pull_request=number % 3 == 0)
    receipt = in_github(github, engine).deliver(sent(again=first.id))
    assert receipt.data["ticket"] == "1"
    assert [issue.number for issue in github.issues.values() if issue.body] == [1]


def test_what_never_arrived_is_made_at_the_next_attempt(github: github_issues.GithubIssues, engine: Engine) -> None:
    github.inject(Fault(hang_up=True, method="POST"))
    first = sent()
    with pytest.raises(Undelivered):
        in_github(github, engine).deliver(first)
    assert in_github(github, engine).deliver(sent(again=first.id)).data["ticket"] == "1"


def test_an_issue_that_was_made_in_vain_is_found_by_the_next_message_of_the_incident(
    github: github_issues.GithubIssues, engine: Engine
) -> None:
    """The delivery that made it is dead; the next one is another delivery, and certain of itself."""
    github.inject(Fault(hang_up=True, takes_it=True, method="POST"))
    with suppress(Undelivered):
        in_github(github, engine).deliver(sent())
    assert in_github(github, engine).deliver(sent(UPDATED)).data["ticket"] == "1"
    assert len(github.issues) == 1 and len(github.issues[1].comments) == 1


def test_a_comment_whose_answer_was_lost_is_said_once(github: github_issues.GithubIssues, engine: Engine) -> None:
    tickets = in_github(github, engine)
    tickets.deliver(sent())
    change = sent(CLEARED)
    github.inject(Fault(hang_up=True, takes_it=True, method="POST"))
    with pytest.raises(Undelivered):
        tickets.deliver(change)
    tickets.deliver(sent(CLEARED, again=change.id))
    assert len(github.issues[1].comments) == 1 and github.issues[1].state == "closed"


@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_workers_that_race_make_one_issue(github: github_issues.GithubIssues, engine: Engine, delay: float) -> None:
    """Eight at once, each sure to be the first; every second request's answer is lost."""
    if delay:
        github.inject(*(Fault(delay=delay, hang_up=True, takes_it=True, method="POST") for _ in range(2)))
    start = threading.Barrier(8)
    one = sent()

    def work() -> None:
        tickets = in_github(github, engine)
        start.wait()
        for _ in range(30):
            try:
                tickets.deliver(one)
                return
            except Undelivered as error:
                assert error.retryable
                threading.Event().wait(0.05)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(github.issues) == 1


def test_an_issue_that_people_closed_stays_closed_and_a_deleted_one_is_not_made_again(
    github: github_issues.GithubIssues, engine: Engine
) -> None:
    tickets = in_github(github, engine)
    tickets.deliver(sent())
    github.close(1, "ada")
    tickets.deliver(sent(CLEARED))
    assert (github.issues[1].closed_by, github.issues[1].comments) == ("ada", [])
    github.delete(1)
    assert "deleted or moved" in tickets.deliver(sent(REOPENED)).data["warning"]
    assert len(github.issues) == 1


def test_an_ending_without_a_ticket_makes_none(github: github_issues.GithubIssues, engine: Engine) -> None:
    assert in_github(github, engine).deliver(sent(CLEARED)).data["skipped"]
    assert github.issues == {}


@pytest.mark.parametrize("name", CASES)
def test_github_takes_every_case(github: github_issues.GithubIssues, engine: Engine, name: str) -> None:
    tickets = in_github(github, engine)
    tickets.deliver(sent())
    tickets.deliver(sent(replace(CASES[name], incident_id=None)))
    assert 1 in github.issues


@pytest.mark.parametrize("name", HOSTILE)
def test_github_takes_every_hostile_string_and_no_marker_is_forged(
    github: github_issues.GithubIssues, engine: Engine, name: str
) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    in_github(github, engine).deliver(sent(replace(hostile(text), incident_id=None)))
    assert github.issues[1].body.count("<!-- alerting-pipeline") == 1


@pytest.mark.parametrize(
    ("fault", "is_retryable", "wait"),
    [
        (Fault(401, json={"message": "Bad credentials"}), False, None),
        (Fault(403, json={"message": "Resource not accessible by integration"}), False, None),
        (Fault(403, {"Retry-After": "30"}, json={"message": "You have exceeded a secondary rate limit"}), True, 30.0),
        (Fault(403, json={"message": "You have exceeded a secondary rate limit. Please wait"}), True, 60.0),
        (Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, json={"message": "limit"}), True, 1.0),
        (Fault(429, json={"message": "slow down"}), True, 60.0),
        (Fault(404, json={"message": "Not Found"}), False, None),
        (Fault(410, json={"message": "Issues are disabled"}), False, None),
        (Fault(422, json={"message": "Validation Failed", "errors": [{"field": "title", "code": "x"}]}), False, None),
        (Fault(301, {"Location": "https://api.github.example/repositories/1"}), False, None),
        (Fault(502), True, None),
    ],
)
def test_a_refusal_of_github_is_of_its_kind(
    github: github_issues.GithubIssues, engine: Engine, fault: Fault, is_retryable: bool, wait: float | None
) -> None:
    github.inject(fault)
    with pytest.raises(Undelivered) as error:
        in_github(github, engine).deliver(sent())
    assert (error.value.retryable, error.value.retry_after) == (is_retryable, wait)
    assert in_github(github, engine).deliver(sent()).data["ticket"] == "1"


# --- Jira -------------------------------------------------------------------------------------------------------------


def test_an_incident_is_one_jira_issue(jira: jira_issues.JiraIssues, engine: Engine) -> None:
    tickets = in_jira(jira, engine)
    receipt = tickets.deliver(sent())
    assert receipt == Receipt({"via": "ticket", "ticket": "OPS-1", "url": f"{jira.url}/browse/OPS-1"})
    for message in (UPDATED, CLEARED):
        tickets.deliver(sent(message))
    issue = jira.issues["OPS-1"]
    assert (issue.status, len(issue.comments), len(jira.issues)) == ("Done", 2, 1)
    tickets.deliver(sent(REOPENED))
    assert issue.status == "To Do"


def test_a_lost_answer_of_jira_is_waited_for_as_long_as_its_search_lags(
    jira: jira_issues.JiraIssues, engine: Engine, database: Database
) -> None:
    jira.lag = 2
    first = sent()
    jira.inject(Fault(hang_up=True, takes_it=True))
    with pytest.raises(Undelivered):
        in_jira(jira, engine).deliver(first)
    for _ in range(2):
        with pytest.raises(Undelivered, match="shows it after a while") as error:
            in_jira(jira, engine).deliver(sent(again=first.id))
        assert error.value.retryable and 110 < (error.value.retry_after or 0) <= 120
    assert in_jira(jira, engine).deliver(sent(again=first.id)).data["ticket"] == "OPS-1"
    assert len(jira.issues) == 1


def test_an_issue_that_is_still_not_found_after_that_time_is_made(
    jira: jira_issues.JiraIssues, engine: Engine, database: Database
) -> None:
    jira.inject(Fault(hang_up=True))
    first = sent()
    with pytest.raises(Undelivered):
        in_jira(jira, engine).deliver(first)
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("update ledger.tickets set tried_at = tried_at - interval '3 minutes'")
    assert in_jira(jira, engine).deliver(sent(again=first.id)).data["ticket"] == "OPS-1"


def test_a_comment_of_jira_whose_answer_was_lost_is_said_once(jira: jira_issues.JiraIssues, engine: Engine) -> None:
    tickets = in_jira(jira, engine)
    tickets.deliver(sent())
    change = sent(UPDATED)
    jira.inject(Fault(hang_up=True, takes_it=True, method="POST"))
    with pytest.raises(Undelivered):
        tickets.deliver(change)
    tickets.deliver(sent(UPDATED, again=change.id))
    assert len(jira.issues["OPS-1"].comments) == 1


@pytest.mark.parametrize("name", CASES)
def test_jira_takes_every_case(jira: jira_issues.JiraIssues, engine: Engine, name: str) -> None:
    tickets = in_jira(jira, engine)
    tickets.deliver(sent())
    tickets.deliver(sent(replace(CASES[name], incident_id=None)))
    assert "OPS-1" in jira.issues


@pytest.mark.parametrize("name", HOSTILE)
def test_jira_takes_every_hostile_string(jira: jira_issues.JiraIssues, engine: Engine, name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    in_jira(jira, engine).deliver(sent(replace(hostile(text), incident_id=None)))
    in_jira(jira, engine).deliver(sent(replace(hostile(text), incident_id=None, transition="updated")))
    assert len(jira.issues["OPS-1"].comments) == 1


def test_a_field_that_jira_refuses_is_named_and_its_sentence_is_not(
    jira: jira_issues.JiraIssues, engine: Engine
) -> None:
    with pytest.raises(Undelivered, match=r"Jira answered 400 \(issuetype\); does the project have") as error:
        in_jira(jira, engine, issue_type="Epic").deliver(sent())
    assert not error.value.retryable


# --- both -------------------------------------------------------------------------------------------------------------


def test_a_trial_is_a_ticket_that_is_closed_at_once_and_kept_nowhere(
    github: github_issues.GithubIssues, jira: jira_issues.JiraIssues, engine: Engine, database: Database
) -> None:
    trial = sent(replace(OPEN, is_test=True))
    assert in_github(github, engine).try_out(trial).data["taken_back"] == "1 was closed at once"
    assert in_jira(jira, engine).try_out(trial).data["taken_back"] == "OPS-1 was closed at once"
    assert github.issues[1].title.startswith("[test]") and github.issues[1].state == "closed"
    assert jira.issues["OPS-1"].status == "Done"
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute("select count(*) from ledger.tickets").fetchone() == (0,)


def test_no_token_is_in_an_error_a_receipt_or_a_log(
    github: github_issues.GithubIssues,
    jira: jira_issues.JiraIssues,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for tickets, server in (
        (in_github(github, engine, "canary-3f9a"), github),
        (in_jira(jira, engine, "canary-3f9a"), jira),
    ):
        for fault in (Fault(403, json={"message": "canary-3f9a"}), Fault(500), Fault(hang_up=True), None):
            if fault:
                server.inject(fault)
            with pytest.raises(Undelivered) as error:
                tickets.deliver(sent(replace(OPEN, thread=f"{fault}")))
            said.append(f"{error.value!r} {error.value.__cause__!r} {error.value.__context__!r}")
    assert not [line for line in [*said, caplog.text] if "canary" in line]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"system": "github", "token_env": "T1"},
        {"system": "github", "repository": "acme", "token_env": "T1"},
        {"system": "jira", "project": "OPS", "token_env": "T1", "user": "a@b.c"},
        {"system": "jira", "project": "ops", "url": "https://acme.atlassian.net", "token_env": "T1", "user": "a@b.c"},
        {"system": "trello", "token_env": "T1"},
        {"system": "github", "repository": "acme/x", "token_env": "T1", "labels": ("two words",)},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TicketSettings(**settings)
