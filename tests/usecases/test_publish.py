"""Files come into force: versions, parameter values, what stays, what goes, and who is told of bad files."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.publication import Origin
from alerting_pipeline.domain.version_history import with_changes
from alerting_pipeline.store.definitions import DefinitionLedger
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.version_history import VersionHistory
from alerting_pipeline.usecases.publish import Published, publish
from tests.conftest import Database
from tests.definition_folder import CATALOG, COMPLETE, DATA, MINIMAL, PEOPLE, REPORT, DefinitionFolder

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)


class Fixed:
    def now(self) -> datetime:
        return NOW


class World:
    """A folder, a ledger, and what is in it."""

    def __init__(self, database: Database, folder: DefinitionFolder) -> None:
        self.files = folder
        self.url, self.owner_url = database.app_url, database.owner_url
        self.engine = engine_for(database.app_url)
        self.ledger = DefinitionLedger(self.engine, "http://localhost:8080")

    def publish(self, today: date | None = None) -> Published:
        return publish(load(self.files.folder, CATALOG, today=today), self.ledger, Fixed(), self.origins)

    def origins(self, paths: Collection[str]) -> dict[str, Origin]:
        return {path: Origin("a" * 40, "Ada") for path in paths}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def world(database: Database, tmp_path: Path):
    made = World(database, DefinitionFolder.make(tmp_path, COMPLETE))
    yield made
    made.engine.dispose()


def test_good_files_come_into_force_with_their_text_and_revision(world: World) -> None:
    assert world.publish().changed == ("large_transaction",)
    assert world.rows("select alert, kind, path, source like '# yaml%', git_revision from ledger.definition_versions "
                      "where kind = 'business'") == [
        ("large_transaction", "business", "fraud/large_transaction.yaml", True, "a" * 40)
    ]  # fmt: skip


def test_what_is_in_force_equals_what_was_read(world: World) -> None:
    world.files.write("fraud/complete.yaml", DATA)
    world.files.write("fraud/report.yaml", REPORT)
    loaded = world.files.load()
    assert loaded.errors == ()
    world.publish()
    held = world.ledger.in_force()
    assert held.definitions == loaded.definitions
    assert held.alerts["large_transaction"].version_id == loaded.alerts["large_transaction"].version_id
    assert (held.people, held.routing, held.destinations) == (loaded.people, loaded.routing, loaded.destinations)


def test_publishing_again_writes_nothing(world: World) -> None:
    world.publish()
    before = world.rows("select count(*) from ledger.definition_versions")
    again = world.publish()
    assert (again.changed, again.removed, again.unchanged) == ((), (), 1)
    assert world.rows("select count(*) from ledger.definition_versions") == before
    assert world.rows("select count(*) from ledger.parameter_values") == [(2,)]


def test_a_bad_file_leaves_the_last_good_version_in_force_and_opens_one_system_incident(world: World) -> None:
    world.publish()
    good = world.ledger.in_force().alerts["large_transaction"]
    world.files.write("fraud/large_transaction.yaml", COMPLETE.replace("owner: risk-ops", "owner: risk-opps"))
    world.publish()
    assert world.publish().bad_files == ("fraud/large_transaction.yaml",)
    assert world.ledger.in_force().alerts["large_transaction"] == good
    assert world.rows("select kind, status, entity ->> 'file' from ledger.incidents") == [
        ("system", "open", "fraud/large_transaction.yaml")
    ]
    [(summary,)] = world.rows("select summary from ledger.incidents")
    assert str(summary).startswith('fraud/large_transaction.yaml:8:8: owner "risk-opps" is not a team in people.yaml')
    assert str(summary).endswith("The last good version of large_transaction stays in force.")
    assert world.rows("select distinct destination from ledger.outbox") == [("#data-team",)]


def test_the_system_incident_ends_when_the_file_is_good_again(world: World) -> None:
    world.files.write("fraud/large_transaction.yaml", "alert: [")
    world.publish()
    world.files.write("fraud/large_transaction.yaml", COMPLETE)
    world.publish()
    assert world.rows("select status, resolution from ledger.incidents") == [("resolved", "cleared")]


def test_a_bad_file_never_stops_a_good_one(world: World) -> None:
    world.files.write("fraud/other.yaml", "alert: other\n- broken")
    assert world.publish().changed == ("large_transaction",)


def test_a_removed_file_ends_the_definition_and_its_values(world: World) -> None:
    world.publish()
    (world.files.folder / "fraud/large_transaction.yaml").unlink()
    assert world.publish().removed == ("large_transaction",)
    assert world.ledger.in_force().alerts == {}
    assert world.rows("select count(*) from ledger.parameter_values where valid_to is null") == [(0,)]


def test_an_empty_folder_removes_nothing(world: World) -> None:
    world.publish()
    for path in world.files.folder.rglob("*.yaml"):
        path.unlink()
    with pytest.raises(AlertingError, match="the folder of definitions is empty although 1 are in force"):
        world.publish()


def test_a_bad_people_file_leaves_the_last_good_one_in_force(world: World) -> None:
    world.publish()
    good = world.ledger.in_force().people
    world.files.write("people.yaml", "people: 3")
    world.files.write("routing.yaml", "routes: 3")
    world.files.write("destinations.yaml", "a: 3")
    world.publish()
    held = world.ledger.in_force()
    assert held.people == good
    assert held.routing.fallback == ("#data-team",)
    assert "#risk" in held.destinations


def test_a_rota_that_runs_into_a_gap_is_told_before_it_comes_and_stays_in_force(world: World) -> None:
    away = "absences: [{from: 2026-02-02, to: 2026-02-08}]"
    rota = PEOPLE.replace("budget: 5 per week", away).replace("[ben]}", "[ben], rota: [ben]}")
    world.files.write("people.yaml", rota)
    assert world.publish(date(2026, 1, 5)).bad_files == ()
    assert world.publish(date(2026, 1, 6)).bad_files == ("people.yaml",)
    held = world.ledger.in_force().people
    assert held.teams["data-team"].rota is not None
    [(status, summary)] = world.rows("select status, summary from ledger.incidents where alert = 'definition_file'")
    assert (status, "nobody is on call for data-team from 2026-02-02" in str(summary)) == ("open", True)
    world.files.write("people.yaml", rota.replace("2026-02-08}", "2026-02-08, substitute: ada}"))
    assert world.publish(date(2026, 1, 6)).bad_files == ()
    assert world.rows("select status from ledger.incidents where alert = 'definition_file'") == [("resolved",)]


def test_going_back_to_an_earlier_configuration_holds(world: World) -> None:
    world.publish()
    original = (world.files.folder / "people.yaml").read_text()
    world.files.write("people.yaml", original.replace("Ada Okafor", "Ada Obi"))
    world.publish()
    assert world.ledger.in_force().people.people["ada"].name == "Ada Obi"
    world.files.write("people.yaml", original)
    world.publish()
    assert world.ledger.in_force().people.people["ada"].name == "Ada Okafor"


def test_changed_values_end_the_old_ones_and_keep_their_history(world: World) -> None:
    world.publish()
    world.files.write("fraud/large_transaction.yaml", COMPLETE.replace("default: 10000", "default: 20000"))
    world.publish()
    assert world.rows(
        "select scope, scope_value, value, valid_to is null from ledger.parameter_values order by value_id"
    ) == [
        ("default", "", "10000", False),
        ("segment", "premium", "50000", True),
        ("default", "", "20000", True),
    ]


def test_the_value_of_a_person_stays_while_the_bounds_allow_it(world: World) -> None:
    world.publish()
    _changed_by_ada(world)
    in_force = "select value from ledger.parameter_values where valid_to is null and scope = 'default'"
    world.files.write("fraud/large_transaction.yaml", COMPLETE.replace("default: 10000", "default: 20000"))
    world.publish()
    assert world.rows(in_force) == [("12345",)]
    world.files.write("fraud/large_transaction.yaml", COMPLETE.replace("minimum: 100", "minimum: 13000").replace(
        "default: 10000", "default: 20000"))  # fmt: skip
    world.publish()
    assert world.rows(in_force) == [("20000",)]


def test_a_renamed_definition_keeps_the_values_of_people(world: World) -> None:
    world.publish()
    _changed_by_ada(world)
    renamed = COMPLETE.replace("alert: large_transaction", "alert: huge_transaction").replace(
        "renamed_from: null", "renamed_from: large_transaction"
    )
    world.files.write("fraud/large_transaction.yaml", renamed)
    done = world.publish()
    assert (done.changed, done.removed) == (("huge_transaction",), ("large_transaction",))
    assert world.rows(
        "select alert, value, changed_by from ledger.parameter_values where valid_to is null and scope = 'default'"
    ) == [("huge_transaction", "12345", "ada")]


@pytest.mark.parametrize("written", ["[a, b]", "[]", '["with, comma", "with \\" quote"]'])
def test_values_of_every_type_are_stored_as_postgres_reads_them(world: World, written: str) -> None:
    parameters = (
        "parameters: {n: {default: 1.50}, i: {type: integer, default: 3}, d: {type: duration, default: 1h30m}, "
        "t: {type: text, default: no}, b: {type: boolean, default: true}, "
        f"c: {{type: choice, choices: [x, y], default: x}}, l: {{type: list, default: {written}}}}}"
    )
    definition = (
        MINIMAL.split("parameters:")[0].replace(":review_limit", ":n") + parameters + '\nsummary: "{{ amount }}"\n'
    )
    world.files.write("fraud/large_transaction.yaml", definition)
    assert world.files.load().errors == ()
    world.publish()
    held = world.ledger.in_force().alerts["large_transaction"].parameters
    for name, parameter in held.items():
        [(is_same,)] = world.rows(
            f"select value::{parameter.sql_type} is not null from ledger.parameter_values where parameter = '{name}' "
            "and scope = 'default'"
        )
        assert is_same
    with psycopg.connect(world.url) as connection:
        found = connection.execute(
            "select value::text[], scope_value from ledger.parameter_values where parameter = 'l' and scope = 'entry' "
            "order by value_id"
        ).fetchall()
    assert sorted(found) == sorted(([each], each) for each in held["l"].default)
    assert Parameter.write(held["d"].default) == "1h30m"


def test_going_back_to_an_earlier_text_is_a_third_entry_of_the_history(world: World) -> None:
    first = world.files.folder / "fraud" / "large_transaction.yaml"
    text = first.read_text()
    world.publish()
    first.write_text(text.replace("default: 10000", "default: 12000"))
    world.publish()
    first.write_text(text)
    world.publish()
    first.unlink()
    (world.files.folder / "fraud" / "other.yaml").write_text(text.replace("large_transaction", "other"))
    world.publish()
    found = VersionHistory(world.engine).of("large_transaction")
    versions = [item.version for item in found]
    assert versions[0] == versions[2] != versions[1] and versions[3] is None
    assert [item.author for item in found] == ["Ada", "Ada", "Ada", None]
    assert [item.in_force_to for item in found] == [*(item.in_force_from for item in found[1:]), None]
    newest_first = with_changes(found[:3])
    assert [[change.key for change in changes] for _, changes in newest_first] == [
        ["parameters.review_limit.default"], ["parameters.review_limit.default"], [],
    ]  # fmt: skip


def _changed_by_ada(world: World) -> None:
    """Ada asked for another limit, and Ben approved it."""
    with psycopg.connect(world.owner_url) as connection:
        connection.execute(
            "with asked as (insert into ledger.change_requests (alert, parameter, old, new, requested_by, decided_by, "
            "status) values ('large_transaction', 'review_limit', '10000', '12345', 'ada', 'ben', 'approved') "
            "returning request_id) update ledger.parameter_values set value = '12345', changed_by = 'ada', "
            "approved_by = 'ben', request_id = (select request_id from asked) where scope = 'default'"
        )
