"""budget, silences and snoozes on the command line: who may, what they say, what is on record afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.event import Terms, Violated
from alerting_pipeline.domain.incident import fingerprint
from alerting_pipeline.domain.lifecycle import step
from alerting_pipeline.store.incidents import carry_out
from tests.conftest import Database
from tests.definition_folder import CATALOG, COMPLETE, DefinitionFolder

NOW = datetime(2026, 1, 12, 8, tzinfo=UTC)
PEOPLE = """\
version: 1
people:
  ada: {name: Ada Okafor, email: ada@example.com, roles: [risk-analyst]}
  ben: {name: Ben Lindqvist, email: ben@example.com, budget: 3 per day, roles: [risk-lead]}
teams:
  risk-ops: {members: [ada, ben], slack: "#risk", budget: 2 per week}
  data-team: {members: [ben], audience: engineering}
"""
ROUTING = """\
version: 1
fallback: ["#data-team"]
routes: [{name: all, match: {kind: business}, destinations: ["#risk"]}]
"""


@dataclass
class Desk:
    """A home with definitions in force, and a way to raise incidents as an evaluation would."""

    app: App
    capsys: pytest.CaptureFixture[str]
    path: Path

    def raise_incidents(self, *names: str, severity: str = "medium") -> None:
        held = self.app.definition_ledger.in_force()
        definition = held.alerts["large_transaction"]
        terms = Terms("large_transaction", definition.version_id, definition.owner, labels=dict(definition.labels))
        steps = []
        for name in names:
            key = fingerprint(terms.alert, {"transaction_id": name})
            steps.append(step(None, Violated(terms, key, {"transaction_id": name}, severity, f"{name} is large"), NOW))
        with self.app.engine.begin() as connection:
            self.app.incident_desk.announcer(connection, carry_out(connection, steps, NOW))

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = self.capsys.readouterr()
        return int(stop.value.code or 0), out, err

    def json(self, *arguments: str) -> Any:
        code, out, err = self(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def audit(self) -> list[tuple[str, str]]:
        with self.app.engine.connect() as connection:
            rows = connection.exec_driver_sql("select actor, action from ledger.audit_log order by seq")
            return [(row.actor, row.action) for row in rows if row.actor in ("ada", "ben")]

    def told(self) -> list[str]:
        """What people were told; rows of the sheet leave whatever happens."""
        with self.app.engine.connect() as connection:
            statement = "select transition from ledger.outbox where destination = '#risk' order by sequence"
            return list(connection.exec_driver_sql(statement).scalars())


@pytest.fixture
def desk(
    tmp_path: Path,
    home: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    files.write("people.yaml", PEOPLE)
    files.write("routing.yaml", ROUTING)
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("ALERTING_AS_OF", NOW.isoformat())
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    with App.from_environment() as app:
        assert app.publish_definitions().bad_files == ()
        yield Desk(app, capsys, files.folder)


def test_budget_says_what_is_used_and_which_alerts_used_it(desk: Desk) -> None:
    desk.raise_incidents("t1", "t2", "t3", "t4", "t5")
    ben, risk = desk.json("budget")
    assert (ben["recipient"], ben["limit"], ben["used"], ben["alerts"]) == ("ben", "3 per day", 0, [])
    assert (risk["recipient"], risk["limit"], risk["used"], risk["kept_for_the_digest"]) == (
        "risk-ops", "2 per week", 2, 3,
    )  # fmt: skip
    assert risk["alerts"] == [{"alert": "large_transaction", "told": 2, "kept": 3, "share": 1.0}]
    code, out, _ = desk("budget", "risk-ops")
    assert (code, out.splitlines()[1].split()) == (
        0, ["risk-ops", "2", "per", "week", "2", "2", "3", "large_transaction", "100%"],
    )  # fmt: skip


def test_budget_of_somebody_without_one_is_refused(desk: Desk) -> None:
    code, _, err = desk("budget", "risk-op")
    assert (code, err) == (2, 'alerting: "risk-op" has no budget in people.yaml; did you mean "risk-ops"?\n')


def test_a_silence_is_added_listed_and_ended_under_a_persons_name(desk: Desk) -> None:
    desk.raise_incidents("t1")
    rehearsed = desk.json(
        "silences", "add", "alert=large_transaction", "--for", "2h", "--comment", "known", "--as", "ada", "--dry-run"
    )
    assert (rehearsed["silence_id"], rehearsed["dry_run"], len(rehearsed["open_incidents"])) == (None, True, 1)
    assert desk.json("silences", "list") == []
    added = desk.json("silences", "add", "alert=large_transaction", "--for", "2h", "--comment", "known", "--as", "ada")
    desk.raise_incidents("t2")
    [listed] = desk.json("silences")
    assert (listed["silence_id"], listed["status"], listed["author"], listed["incidents_held_back"]) == (
        added["silence_id"], "holds", "ada", 1,
    )  # fmt: skip
    assert desk.told() == ["opened"]
    ended = desk.json("silences", "end", str(added["silence_id"]), "--as", "ben")
    assert (ended["ended_by"], desk.told()) == ("ben", ["opened", "opened"])
    assert desk.audit() == [("ada", "silence_added"), ("ben", "silence_ended")]
    assert [row["status"] for row in desk.json("silences", "list", "--all")] == ["over"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["alert=large_transaction"], 2, "say when the silence ends"),
        (["alert=large_transaction", "--for", "soon"], 2, "--for: "),
        (["alert=large_transaction", "--for", "2h", "--comment", " "], 2, "a silence says why; write --comment"),
        (["large_transaction", "--for", "2h"], 2, '"large_transaction" is not a matcher; write name=value'),
        (["kind=system", "--for", "2h"], 1, "ada may not silence failures of data or system; members of data-team may"),
        (["alert=x", "--from", "2026-01-12T06:00:00Z", "--for", "1h"], 2, "the silence would be over already"),
    ],
)  # fmt: skip
def test_a_silence_that_cannot_be_is_refused_with_the_remedy(
    desk: Desk, arguments: list[str], code: int, sentence: str
) -> None:
    comment = [] if "--comment" in arguments else ["--comment", "known"]
    said = desk("silences", "add", *arguments, *comment, "--as", "ada")
    assert (said[0], sentence in said[2]) == (code, True), said
    assert desk.audit() == []


def test_ending_what_is_over_or_never_was_is_an_error(desk: Desk) -> None:
    code, _, err = desk("silences", "end", "7", "--as", "ada")
    assert (code, "There is no silence 7" in err) == (1, True)


def test_a_person_snoozes_one_incident_by_time_or_until_it_is_worse(desk: Desk) -> None:
    desk.raise_incidents("t1")
    [row] = desk.json("incidents", "list")
    number = str(row["incident_id"])
    done = desk.json("incidents", "snooze", number, "--for", "2h", "--reason", "agreed", "--as", "ada")
    assert datetime.fromisoformat(done["until"]) == NOW + timedelta(hours=2)
    assert desk.json("incidents", "show", number)["status"] == "snoozed"
    assert desk.audit() == [("ada", "incident_snoozed")]
    code, _, err = desk("incidents", "snooze", number, "--for", "2h", "--until", "2026-01-13T08:00:00Z", "--as", "ada")
    assert (code, "a snooze has one end" in err) == (2, True)
    code, _, err = desk("incidents", "snooze", number, "--as", "ada")
    assert (code, "a snooze needs an end" in err) == (2, True)
    code, _, err = desk("incidents", "snooze", number, "--until-worse-by", "1.5", "--as", "ada")
    assert (code, "has no deviance" in err) == (1, True)


def test_a_definition_is_snoozed_with_a_reason_and_an_end(desk: Desk) -> None:
    desk.raise_incidents("t1")
    code, _, err = desk("incidents", "snooze", "--alert", "large_transaction", "--for", "8h", "--as", "ada")
    assert (code, "needs a reason" in err) == (2, True)
    said = desk.json(
        "incidents", "snooze", "--alert", "large_transaction", "--for", "8h", "--reason", "inventory", "--as", "ada"
    )
    assert said["snoozed"] == 1
    [row] = desk.json("snoozes")
    assert (row["alert"], row["created_by"], row["reason"]) == ("large_transaction", "ada", "inventory")
    code, out, _ = desk("snoozes", "list")
    assert (code, "inventory" in out, "1 shown" in out) == (0, True, True)


def test_a_snooze_is_lifted_early_by_a_person_with_a_reason(desk: Desk) -> None:
    desk.raise_incidents("t1")
    desk("incidents", "snooze", "--alert", "large_transaction", "--for", "8h", "--reason", "inventory", "--as", "ada")
    [row] = desk.json("snoozes")
    number = str(row["snooze_id"])
    code, _, err = desk("snoozes", "end", number, "--as", "ben")
    assert (code, "Missing option '--reason'" in err) == (2, True)
    done = desk.json("snoozes", "end", number, "--reason", "counted", "--as", "ben")
    assert (done["ended_by"], done["woken"], desk.json("snoozes")) == ("ben", 1, [])
    assert desk.audit() == [("ada", "snoozed"), ("ben", "snooze_ended")]
    code, _, err = desk("snoozes", "end", number, "--reason", "counted", "--as", "ben")
    assert (code, err) == (1, f"alerting: There is no snooze {number} that holds; `alerting snoozes` lists those.\n")
