"""What changed upstream since something was last good: in the order of time, and nothing that stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.upstream import MOST, Upstream, told, upstream_of
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.upstream_changes import changes_since, explain, last_good, note_codes, note_good
from tests.conftest import Database

ORDERS, SALES, TEST = "model.shop.stg_orders", "model.shop.sales", "test.shop.unique_sales.1a2b"
UPSTREAM = upstream_of([SALES, ORDERS, TEST, "source.shop.raw.order_lines"], ["large"])


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    engine = engine_for(database.app_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
        yield opened
    engine.dispose()


def run(database: Database, statement: str, *parameters: Any) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(statement.encode(), parameters or None)


def load(database: Database, source: str, file: str, rows: int, status: str = "loaded") -> None:
    run(
        database,
        "insert into ledger.loads (source, file, content_hash, rows, mode, finished_at, status) "
        "values (%s, %s, %s, %s, 'append', clock_timestamp(), %s)",
        source, file, file, rows, status,
    )  # fmt: skip


def publish(database: Database, alert: str, version: str, revision: str | None) -> None:
    run(
        database,
        "insert into ledger.definition_versions (alert, version, kind, path, body, source, git_revision) "
        "values (%s, %s, 'business', 'x.yaml', '{}', '', %s)",
        alert, version, revision,
    )  # fmt: skip
    run(
        database,
        "insert into ledger.definitions (alert, version, kind, path) values (%s, %s, 'business', 'x.yaml') "
        "on conflict (alert) do update set version = excluded.version, published_at = clock_timestamp()",
        alert, version,
    )  # fmt: skip


def value(database: Database, number: str, by: str) -> None:
    run(database, "update ledger.parameter_values set valid_to = valid_from where valid_to is null")
    run(
        database,
        "insert into ledger.parameter_values (alert, parameter, type, scope, value, changed_by) "
        "values ('large', 'limit', 'number', 'default', %s, %s)",
        number, by,
    )  # fmt: skip


def phrases(connection: Connection, since: datetime | None) -> list[str]:
    return [each.what for each in changes_since(connection, UPSTREAM, since)]


def test_what_changed_is_named_in_the_order_of_time(database: Database, connection: Connection) -> None:
    load(database, "order_lines", "1.csv", 10)
    publish(database, "large", "aaaaaaaaaaaaaaaa", None)
    value(database, "100", "definition")
    began = note_codes(connection, {ORDERS: "a", SALES: "a", TEST: "a"})
    note_good(connection, [TEST, SALES], began)
    good = last_good(connection, TEST)
    assert good == began and last_good(connection, ORDERS) is None
    assert phrases(connection, good) == []
    load(database, "order_lines", "2.csv", 1)
    load(database, "order_lines", "3.csv", 0, status="failed")
    load(database, "elsewhere", "4.csv", 7)
    note_codes(connection, {ORDERS: "b", SALES: "a", TEST: "a", "model.shop.elsewhere": "a"})
    publish(database, "large", "bbbbbbbbbbbbbbbb", "0123456789abcdef")
    publish(database, "other", "cccccccccccccccc", None)
    value(database, "200", "ada")
    assert phrases(connection, good) == [
        "loaded order_lines: 2.csv (1 row)",
        "refused order_lines: 3.csv",
        "changed the code of stg_orders",
        "published large, version bbbbbbbbbbbb, git revision 0123456789ab",
        "changed limit of large, by ada",
    ]


def test_the_same_code_again_is_no_change_and_what_was_not_built_keeps_its_code(connection: Connection) -> None:
    began = note_codes(connection, {ORDERS: "a", SALES: "a"})
    note_codes(connection, {SALES: "b"})
    note_codes(connection, {SALES: "b"})
    assert phrases(connection, began) == ["changed the code of sales"]
    later = note_codes(connection, {SALES: "b", ORDERS: "a"})
    assert phrases(connection, later) == []


def test_what_was_never_good_is_told_with_the_newest_changes_alone(database: Database, connection: Connection) -> None:
    assert told([], is_since_good=False) == "nothing upstream is loaded here"
    for number in range(5):
        load(database, "order_lines", f"{number}.csv", number)
    assert [each.split()[2] for each in phrases(connection, None)] == ["2.csv", "3.csv", "4.csv"]


def test_of_many_changes_the_newest_are_named(database: Database, connection: Connection) -> None:
    began = note_codes(connection, {SALES: "a"})
    for number in range(20):
        load(database, "order_lines", f"{number}.csv", 1)
    said = told(changes_since(connection, UPSTREAM, began), is_since_good=True).split("; ")
    assert said[0] == "…" and len(said) == MOST + 1
    assert said[-1].endswith(" UTC loaded order_lines: 19.csv (1 row)")


def test_an_alert_that_can_not_be_evaluated_names_its_own_changes(database: Database, connection: Connection) -> None:
    publish(database, "large", "aaaaaaaaaaaaaaaa", None)
    run(
        database,
        "insert into ledger.evaluations (alert, definition_version, materialization_id, as_of, started_at, "
        "finished_at, outcome) select 'large', 'a', 'm', at, at, at, 'clear' from clock_timestamp() as at",
    )
    publish(database, "large", "bbbbbbbbbbbbbbbb", None)
    of_alert = SystemFinding("evaluation_error", {"alert": "large"}, "large could not be evaluated")
    others = [SystemFinding("evaluation_error", {"warehouse": "reader"}, "away"), SystemFinding("dead_letter", {}, "x")]
    explained, *unchanged = explain(connection, [of_alert, *others])
    assert explained.detail["changed_upstream"].endswith(" UTC published large, version bbbbbbbbbbbb")
    assert unchanged == others


def test_nothing_upstream_is_nothing(connection: Connection) -> None:
    assert changes_since(connection, Upstream(), None) == []
