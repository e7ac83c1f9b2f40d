"""A table has one row per incident, and nothing but rows reaches it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Engine

from alerting_pipeline.adapters.channels.table import TableChannel, TableSettings
from alerting_pipeline.domain.ports import Receipt, Undelivered
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.store.engine import engine_for
from tests.adapters.channels.deliveries import delivery
from tests.conftest import Database
from tests.rendering.cases import CASES, HOSTILE, OPENED, hostile


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    engine = engine_for(database.app_url)
    yield engine
    engine.dispose()


@pytest.fixture
def table(engine: Engine) -> TableChannel:
    return TableChannel(TableSettings(), "fraud_review", lambda: engine)


def rows(database: Database, query: str = "select * from operations.fraud_review order by incident_id") -> list[Any]:
    with psycopg.connect(database.owner_url) as connection:
        return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()


def test_incident_is_one_row_kept_up_to_date(database: Database, table: TableChannel) -> None:
    table.deliver(delivery())
    receipt = table.deliver(delivery(CASES["cleared"]))
    (row,) = rows(database)
    assert receipt.data["table"] == "operations.fraud_review"
    assert (row["incident_id"], row["status"], row["amount"]) == (41, "resolved", 15000)
    assert row["resolved_at"].isoformat() == "2026-01-05T06:00:00+00:00"


def test_same_delivery_twice_changes_nothing(database: Database, table: TableChannel) -> None:
    same = delivery()
    table.deliver(same)
    before = rows(database)
    table.deliver(same)
    assert rows(database) == before


def test_two_workers_at_the_first_row_of_a_table_make_it_once(database: Database, engine: Engine) -> None:
    for turn in range(10):
        gate = threading.Barrier(4)

        def first_row(turn: int = turn, gate: threading.Barrier = gate) -> Receipt:
            channel = TableChannel(TableSettings(), f"fresh_{turn}", lambda: engine)
            gate.wait()
            return channel.deliver(delivery())

        with ThreadPoolExecutor(4) as workers:
            assert len({str(each.result().data) for each in [workers.submit(first_row) for _ in range(4)]}) == 1
        assert len(rows(database, f"select * from operations.fresh_{turn}")) == 1


def test_columns_of_others_are_kept(database: Database, table: TableChannel) -> None:
    table.deliver(delivery())
    with psycopg.connect(database.app_url) as connection:
        connection.execute("alter table operations.fraud_review add column reviewer text")
        connection.execute("update operations.fraud_review set reviewer = 'Marta'")
    table.deliver(delivery(CASES["cleared"]))
    assert rows(database)[0]["reviewer"] == "Marta"


def test_column_that_comes_later_is_added(database: Database, table: TableChannel) -> None:
    table.deliver(delivery())
    table.deliver(delivery(replace(OPENED, incident_id=42, record={"carrier": "Swift"})))
    assert [row["carrier"] for row in rows(database)] == [None, "Swift"]


def test_table_that_others_made_gets_the_columns_that_it_has(database: Database, engine: Engine) -> None:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("create table operations.theirs (incident_id bigint primary key, status text)")
        connection.execute("grant select, insert, update on operations.theirs to alerting_app")
    TableChannel(TableSettings(table="theirs"), "x", lambda: engine).deliver(delivery())
    assert rows(database, "select * from operations.theirs") == [{"incident_id": 41, "status": "open"}]


def test_hostile_string_is_a_value(database: Database, table: TableChannel) -> None:
    for number, string in enumerate(HOSTILE.values()):
        text = string.encode("utf-8", "replace").decode().replace("\x00", "")  # the outbox stores neither
        table.deliver(delivery(replace(hostile(text), due_at="", incident_id=number)))
        assert rows(database)[number]["merchant"] == text
    assert rows(database, "select count(*) as n from ledger.outbox") == [{"n": 0}]


def test_hostile_column_name_is_a_name(database: Database, table: TableChannel) -> None:
    name = 'x"; drop table ledger.outbox; --'
    table.deliver(delivery(replace(OPENED, record={name: "y", "per%cent": "z", "%s": 1, "": 2})))
    row = rows(database)[0]
    assert row[name] == "y"
    assert "per%cent" not in row


def test_row_that_does_not_fit_is_refused_alone_and_its_values_stay_untold(
    database: Database, engine: Engine, table: TableChannel
) -> None:
    table.deliver(delivery())
    bad = delivery(replace(OPENED, incident_id=42, record={"amount": "secret-word"}))
    answers = table.deliver_batch([bad, delivery(replace(OPENED, incident_id=43))])
    assert isinstance(answers[0], Undelivered) and not answers[0].retryable
    assert "secret-word" not in answers[0].reason
    assert isinstance(answers[1], Receipt)
    assert [row["incident_id"] for row in rows(database)] == [41, 43]


@pytest.mark.parametrize("name", ["ledger.outbox", "raw.x", "pg_catalog.pg_class", "operations.X"])
def test_only_tables_of_the_allowed_schema(engine: Engine, name: str) -> None:
    with pytest.raises((Undelivered, ValueError)):
        TableChannel(TableSettings(table=name), "x", lambda: engine)


def test_table_that_may_not_be_written_is_refused_for_good(database: Database, engine: Engine) -> None:
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("create table operations.theirs (incident_id bigint primary key)")
    with pytest.raises(Undelivered, match="InsufficientPrivilege") as error:
        TableChannel(TableSettings(table="theirs"), "x", lambda: engine).deliver(delivery())
    assert not error.value.retryable


def test_database_that_is_away_is_tried_again(database: Database) -> None:
    gone = engine_for(database.app_url.replace(database.name, "nowhere"))
    with pytest.raises(Undelivered) as error:
        TableChannel(TableSettings(), "x", lambda: gone).deliver(delivery())
    assert error.value.retryable


def decided(decision: str, at: str, incident: int = 41) -> Message:
    """What an action writes about an item."""
    record = {"item_id": "i7", "decision": decision, "incident_id": incident, "acted_at": at}
    return replace(OPENED, incident_id=incident, record=record, row_key=("item_id",))


def test_row_of_an_action_is_found_by_its_own_key(database: Database, engine: Engine) -> None:
    removals = TableChannel(TableSettings(), "removals", lambda: engine)
    removals.deliver(delivery(decided("kept", "2026-01-05T05:00:00+00:00")))
    removals.deliver(delivery(decided("removed", "2026-01-06T05:00:00+00:00", incident=52)))
    (row,) = rows(database, "select * from operations.removals")
    assert (row["item_id"], row["decision"], row["incident_id"]) == ("i7", "removed", 52)
    with psycopg.connect(database.owner_url) as connection:  # analysts may read it, and not write
        granted = "select has_table_privilege('analyst', 'operations.removals', 'select'), "
        granted += "has_table_privilege('analyst', 'operations.removals', 'insert')"
        assert connection.execute(granted.encode()).fetchone() == (True, False)


def test_earlier_decision_that_comes_later_changes_nothing(database: Database, engine: Engine) -> None:
    removals = TableChannel(TableSettings(), "removals", lambda: engine)
    removals.deliver(delivery(decided("removed", "2026-01-06T05:00:00+00:00")))
    removals.deliver(delivery(decided("kept", "2026-01-05T05:00:00+00:00")))
    assert rows(database, "select decision from operations.removals") == [{"decision": "removed"}]


def test_row_without_its_key_is_refused(engine: Engine) -> None:
    removals = TableChannel(TableSettings(), "removals", lambda: engine)
    with pytest.raises(Undelivered):
        removals.deliver(delivery(replace(OPENED, record={"item_id": None}, row_key=("item_id",))))
