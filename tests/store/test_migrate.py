"""Setting up a database: once, by whoever is first, and never backwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.store.migrate import migrate
from tests.conftest import Database

CONTRACT = {
    "incidents": """incident_id alert fingerprint entity kind status severity deviance summary owner opened_at
        last_seen_at acknowledged_at due_at resolved_at resolution disposition""",
    "incident_events": "event_id incident_id at event actor detail",
    "evaluations": """evaluation_id alert definition_version materialization_id as_of started_at finished_at outcome
        violations error""",
    "deliveries": "delivery_id incident_id destination channel status attempts next_attempt_at sent_at error",
    "parameter_values": "alert parameter segment value valid_from valid_to changed_by approved_by",
    "change_requests": "request_id alert parameter old new requested_by decided_by status impact",
    "decisions": """decision_id decision_point idempotency_key entity outcome score reasons ruleset_version
        feature_as_of decided_at""",
    "audit_log": "seq at actor action object before after hash",
}


@pytest.mark.parametrize("view", CONTRACT)
def test_analysts_find_every_promised_column(database: Database, view: str) -> None:
    with psycopg.connect(database.analyst_url) as connection:
        cursor = connection.execute(sql.SQL("select * from alerting.{} limit 0").format(sql.Identifier(view)))
        assert cursor.description is not None
        assert {column.name for column in cursor.description} >= set(CONTRACT[view].split())


def test_every_column_of_every_view_is_commented(database: Database) -> None:
    with psycopg.connect(database.owner_url) as connection:
        bare = connection.execute(
            """
            select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
            where c.relnamespace = 'alerting'::regnamespace and c.relkind = 'v' and a.attnum > 0
              and col_description(c.oid, a.attnum) is null
            """
        ).fetchall()
    assert bare == []


def test_several_first_starters_migrate_once(postgres, database: Database) -> None:
    name = f"{database.name}_fresh"
    with psycopg.connect(postgres.url(database="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with ThreadPoolExecutor(4) as pool:
            changed = list(pool.map(lambda _: migrate(postgres.url(database=name)), range(4)))
        assert sorted(changed) == [False, False, False, True]
    finally:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_a_newer_database_is_refused_in_one_sentence(database: Database) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("update ledger.alembic_version set version_num = '9999'")
    with pytest.raises(AlertingError, match="version 9999, newer than this program"):
        migrate(database.owner_url)


def test_the_app_role_cannot_write_the_audit_log_but_may_append(database: Database) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        for statement in ("delete from ledger.audit_log", "update ledger.audit_log set actor = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        connection.execute("select ledger.append_audit('ada', 'acknowledge', 'incident 1', null, '{}'::jsonb)")
        connection.execute("select ledger.append_audit('ada', 'resolve', 'incident 1', null, '{}'::jsonb)")
        rows = connection.execute("select seq, length(hash) from alerting.audit_log order by seq").fetchall()
    assert rows == [(1, 64), (2, 64)]


def test_lists_that_were_one_value_become_entries(
    postgres: EmbeddedPostgres, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{database.name}_lists"
    with psycopg.connect(postgres.url(database="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        owner = postgres.url(database=name)
        upgrade = command.upgrade
        with monkeypatch.context() as earlier:
            earlier.setattr(command, "upgrade", lambda config, _: upgrade(config, "0019"))
            migrate(owner)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(
                "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by) "
                """values ('a', 'known', 'list', 'default', '', '{b,"c, \\"d\\"",b}', 'ada'),"""
                " ('a', 'limit', 'number', 'default', '', '7', 'ben')"
            )
        assert migrate(owner)
        with psycopg.connect(owner) as connection:
            rows = connection.execute(
                "select scope, segment, value, changed_by from alerting.parameter_values "
                "order by scope, parameter, segment"
            ).fetchall()
        assert rows == [
            ("default", None, "{}", "definition"),
            ("default", None, "7", "ben"),
            ("entry", "b", '{"b"}', "ada"),
            ("entry", 'c, "d"', '{"c, \\"d\\""}', "ada"),
        ]
    finally:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
