"""Asking for a new alert, where two do it at once, time passes, and the commit is made before the decision is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Barrier

import pytest

from alerting_pipeline.domain.draft_ports import Signature
from alerting_pipeline.domain.draft_request import DraftRequest, NewFile
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.people import People
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.draft_requests import DraftRequests
from alerting_pipeline.usecases.request_alert import AlertRequests
from tests.usecases.world import DESTINATIONS, World, definition

PEOPLE = People.model_validate(
    {
        "people": {
            "ada": {"email": "ada@example.com"},
            "ben": {"email": "ben@example.com", "roles": ["lead"]},
            "cleo": {"email": "cleo@example.com", "roles": ["lead", "other"]},
            "dan": {"email": "dan@example.com", "roles": ["other"]},
        },
        "teams": {
            "risk": {"members": ["ada"], "email": "risk@example.com", "alerts_approved_by": ["lead"]},
            "free": {"members": ["ada"], "email": "free@example.com", "alerts_approved_by": []},
            "rest": {"members": ["ada"], "email": "rest@example.com"},
        },
        "alerts_approved_by": ["other"],
    }
)
FILE = NewFile("new_one", "fraud/new_one.yaml", "version: 1\n", "0123456789ab", {"owner": "risk", "model": "m"})


@dataclass
class Folder:
    """A folder of definitions that keeps its commits in a list."""

    commits: list[str] = field(default_factory=list)
    stale: str | None = None

    def written(self, request: DraftRequest) -> str | None:
        return f"commit of {request.request_id}" if f"commit of {request.request_id}" in self.commits else None

    def staleness(self, file: NewFile) -> str | None:
        return self.stale

    def write(self, request: DraftRequest, author: Signature, approver: Signature) -> str:
        self.commits.append(f"commit of {request.request_id}")
        return self.commits[-1]


def requests(world: World, **changes: object) -> AlertRequests:
    rules = InForce({"large": definition()}, people=PEOPLE, destinations=DESTINATIONS)
    return replace(AlertRequests(DraftRequests(world.engine), rules, world.now), **changes)  # type: ignore[arg-type]


def ask(world: World, person: str = "ada", file: NewFile = FILE) -> int:
    return requests(world).ask(file, person, "it is needed", None).request.request_id


def statuses(world: World) -> list[str]:
    return [row["status"] for row in world.sql("select status from alerting.draft_requests order by request_id")]


def test_the_team_that_would_answer_for_it_says_who_approves(world: World) -> None:
    found = {team: requests(world).approvers(team) for team in ("risk", "free", "rest", "nobody")}
    assert found == {"risk": ("lead",), "free": (), "rest": ("other",), "nobody": ("other",)}
    assert requests(world).ask(FILE, "ben", "x", None).waits_for == ("cleo",)


def test_of_people_who_ask_at_once_one_is_first(world: World) -> None:
    start = Barrier(4)

    def one(person: str) -> str:
        start.wait(10)
        try:
            ask(world, person)
        except AlertingError as error:
            return str(error)
        return "first"

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(one, ["ada", "ben", "cleo", "dan"]))
    assert said.count("first") == 1
    assert sum("asked for new_one before you" in each for each in said) == 3
    assert statuses(world) == ["open"]


def test_of_people_who_approve_at_once_one_writes(world: World) -> None:
    number, folder, start = ask(world), Folder(), Barrier(6)

    def one(person: str) -> str:
        start.wait(10)
        try:
            return requests(world).approve(number, person, folder).request.status
        except AlertingError as error:
            return str(error)

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(one, ["ben", "cleo"] * 3))
    assert said.count("approved") == 1
    assert sum("nothing was done now" in each for each in said) == 5
    assert folder.commits == [f"commit of {number}"]


def test_an_approval_that_the_database_lost_is_not_written_twice(world: World) -> None:
    number, folder = ask(world), Folder()
    folder.commits.append(f"commit of {number}")
    folder.stale = "fraud/new_one.yaml is there already"
    done = requests(world, now=world.now + timedelta(days=8)).approve(number, "ben", folder)
    assert (done.request.status, done.request.commit, len(folder.commits)) == ("approved", f"commit of {number}", 1)


def test_an_approval_is_of_the_draft_that_was_shown(world: World) -> None:
    number, folder = ask(world), Folder()
    with pytest.raises(AlertingError, match="not the draft that you were shown"):
        requests(world).approve(number, "ben", folder, draft_hash=replace(FILE, text="version: 2\n").hash)
    assert (folder.commits, statuses(world)) == ([], ["open"])


def test_time_lets_go_of_what_nobody_answered_and_of_names_that_are_taken(world: World) -> None:
    ask(world)
    ask(world, file=replace(FILE, alert="other_one", path="fraud/other_one.yaml"))
    taken = InForce({"other_one": definition(alert="other_one")}, people=PEOPLE, destinations=DESTINATIONS)
    [void] = requests(world, rules=taken).expire()
    assert (void.request.status, void.request.answer) == ("void", "an alert called other_one is in force already")
    assert requests(world).expire() == []
    [expired] = requests(world, now=world.now + timedelta(days=7)).expire()
    assert (expired.request.file.alert, expired.request.status) == ("new_one", "expired")
    told = world.sql("select destination from ledger.outbox where transition = 'alert_decided'")
    assert [row["destination"] for row in told] == ["@ada", "@ada"]


def test_a_name_that_is_in_force_can_not_be_asked_for(world: World) -> None:
    with pytest.raises(AlertingError, match="an alert called large is in force already; choose another name"):
        ask(world, file=replace(FILE, alert="large"))


def test_who_lost_the_role_meanwhile_does_not_approve(world: World) -> None:
    number = ask(world)
    gone = PEOPLE.model_copy(deep=True)
    gone.people["ben"] = gone.people["ben"].model_copy(update={"roles": ()})
    with pytest.raises(AlertingError, match="takes the role lead; ask cleo"):
        requests(world, rules=InForce({}, people=gone, destinations=DESTINATIONS)).approve(number, "ben", Folder())
