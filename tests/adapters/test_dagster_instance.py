"""Dagster keeps its state in a schema of our database, and tells nobody outside."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.dagster_instance import PASSWORD_VARIABLE, prepare_instance
from tests.conftest import Database


def test_dagster_works_on_a_schema_of_the_same_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dagster import DagsterInstance

    folder = tmp_path / "a home"
    for name, value in prepare_instance(folder, database.owner_url).items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.from_config(str(folder)) as instance:
        assert instance.get_runs() == []
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
    with psycopg.connect(database.owner_url) as connection:
        schemas = connection.execute("select distinct schemaname from pg_tables where tablename = 'event_logs'")
        assert schemas.fetchall() == [("dagster",)]


def test_the_password_is_named_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alerting_pipeline.adapters.dagster_instance._create_schema", lambda url: None)
    told = prepare_instance(tmp_path, "postgresql://me:s3cret@db.example:6543/shop?sslmode=require")
    written = (tmp_path / "dagster.yaml").read_text()
    assert told[PASSWORD_VARIABLE] == "s3cret"
    assert "s3cret" not in written
    assert '"host": "db.example"' in written
    assert '"sslmode": "require"' in written


def test_an_unchanged_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alerting_pipeline.adapters.dagster_instance._create_schema", lambda url: None)
    prepare_instance(tmp_path, "postgresql://me@/shop?host=/run/a")
    before = (tmp_path / "dagster.yaml").stat().st_ino
    prepare_instance(tmp_path, "postgresql://me@/shop?host=/run/a")
    assert (tmp_path / "dagster.yaml").stat().st_ino == before
