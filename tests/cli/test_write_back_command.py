"""`alerting write-back`: what waits for approval is shown, and decided on by a person who is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from alerting_pipeline.adapters.channels.table import TableChannel, TableSettings
from alerting_pipeline.app import App
from alerting_pipeline.cli.write_back import write_back
from alerting_pipeline.domain.errors import AlertingError, BadCall
from tests.adapters.channels.deliveries import delivery
from tests.conftest import Database
from tests.rendering.cases import OPENED
from tests.usecases.world import World, definition


@pytest.fixture
def world(database: Database, home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Five rows for a sheet that takes three at once."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setattr(App, "app_url", property(lambda self: database.app_url))
    world = World(database)
    world.publish(definition(write_back=[{"sheet": "review", "at_most": "3 per run"}]))
    world.put(*({"id": f"t{number}", "amount": 150} for number in range(5)))
    world.evaluate()
    yield world
    world.close()


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(write_back, [*arguments, "--json"], catch_exceptions=False, standalone_mode=False)
    return json.loads(done.stdout)


def test_what_waits_is_listed_shown_and_approved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerting_pipeline.usecases.act.acting_person", lambda people, given, user: given)
    (listed,) = run()
    assert (listed["alert"], listed["destination"], listed["rows"]) == ("large", "review", 5)
    number = str(listed["run_id"])
    assert len(run("show", number, "--limit", "2")["first_rows"]) == 2
    assert run("approve", number, "--as", "ada", "--reason", "planned")["rows"] == 5
    assert run("list") == []
    (decided,) = run("list", "--all")
    assert (decided["decision"], decided["decided_by"], decided["reason"]) == ("approved", "ada", "planned")
    with pytest.raises(AlertingError, match="was approved by ada"):
        run("reject", number, "--as", "ben")


def test_nobody_decides_who_is_not_known(world: World) -> None:
    (listed,) = run()
    with pytest.raises(BadCall, match="is not a person"):
        run("reject", str(listed["run_id"]), "--as", "mallory")
    assert len(run()) == 1


def test_a_run_that_there_is_not_is_one_sentence(world: World) -> None:
    with pytest.raises(AlertingError, match="There is no halted run 4711"):
        run("show", "4711")


def test_what_was_written_is_listed_and_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerting_pipeline.usecases.act.acting_person", lambda people, given, user: given)
    with App.from_environment() as app:
        ledger = app.row_ledger
        incident = world.incidents()[0]["incident_id"]
        channel = TableChannel(TableSettings(), "operations.review", lambda: app.engine, ledger)
        sent = delivery(replace(OPENED, incident_id=incident), destination="operations.review", channel="table")
        channel.deliver(sent)
    (written,) = run("history", "--incident", str(incident))
    assert (written["place"], written["before"], written["after"]["severity"]) == ("operations.review", None, "high")
    (undone,) = run("undo", str(sent.id), "--as", "ada")
    assert undone["refused"] == ""
    assert run("history")[0]["undone_by"] == "ada"
    with pytest.raises(AlertingError, match="no such rows that could be undone"):
        run("undo", str(sent.id), "--as", "ada")


@pytest.mark.parametrize("arguments", [[], ["--alert", "large"], ["--incident", "1", "--alert", "large"], ["no-id"]])
def test_an_undo_says_which_rows(world: World, arguments: list[str]) -> None:
    with pytest.raises(BadCall):
        run("undo", *arguments)
