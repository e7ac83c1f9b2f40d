"""The environment, read in one place: every variable optional, every mistake one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerting_pipeline.adapters.channels.secret_name import OWN
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.settings import VARIABLES, Settings, read_secret, read_settings

ROOT = Path(__file__).parent.parent


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings({}, start=ROOT)
    assert settings.home == ROOT / ".alerting"
    assert settings.definitions == ROOT / "alert_definitions"
    assert settings.uses_embedded_postgres
    assert settings.slack_bot_token is None


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("ALERTING_DATABASE_URL", "mysql://secret@host/db", "write postgresql://"),
        ("SLACK_API_URL", "not an address", "write http://host or https://host"),
        ("ALERTING_SMTP_URL", "mail.example.com", "write smtp://"),
        ("ALERTING_AS_OF", "yesterday", "ALERTING_AS_OF"),
    ],
)
def test_a_wrong_value_names_variable_and_remedy_and_hides_the_value(variable: str, value: str, remedy: str) -> None:
    with pytest.raises(BadCall) as refusal:
        read_settings({variable: value}, start=ROOT)
    assert str(refusal.value).startswith(variable)
    assert remedy in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("xoxb-canary\n")
    settings = read_settings({"SLACK_BOT_TOKEN_FILE": str(path)}, start=ROOT)
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-canary"
    assert "canary" not in repr(settings)


def test_a_missing_secret_file_is_named() -> None:
    with pytest.raises(BadCall, match="SLACK_BOT_TOKEN_FILE points to /nowhere/token"):
        read_settings({"SLACK_BOT_TOKEN_FILE": "/nowhere/token"}, start=ROOT)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_a_postgres_address_is_taken_with_any_driver_named(scheme: str) -> None:
    settings = read_settings({"ALERTING_DATABASE_URL": f"{scheme}://u:p@host/db"}, start=ROOT)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://u:p@host/db"


def test_a_home_may_have_a_standing_clock_and_the_environment_overrides_it(tmp_path: Path) -> None:
    (tmp_path / "as_of").write_text("2026-01-19T06:00:00Z\n")
    assert read_settings({"ALERTING_HOME": str(tmp_path)}, start=ROOT).as_of == datetime(2026, 1, 19, 6, tzinfo=UTC)
    overridden = read_settings({"ALERTING_HOME": str(tmp_path), "ALERTING_AS_OF": "2026-02-01"}, start=ROOT)
    assert overridden.as_of == datetime(2026, 2, 1, tzinfo=UTC)


def test_every_setting_that_a_person_may_change_has_a_variable() -> None:
    assert set(Settings.model_fields) - {"project", "dbt_project"} == set(VARIABLES)


def test_a_warehouse_of_its_own_is_refused_until_it_is_in_force() -> None:
    address = "postgresql://u:p@host/db"
    with pytest.raises(BadCall, match="ALERTING_WAREHOUSE_URL is not in force yet"):
        read_settings({"ALERTING_WAREHOUSE_URL": address}, start=ROOT)
    read_settings({"ALERTING_WAREHOUSE_URL": address, "ALERTING_DATABASE_URL": address}, start=ROOT)


def test_a_destination_may_not_name_what_is_this_programs_own() -> None:
    assert all(variable.startswith(OWN) for variable in VARIABLES.values())
    for variable in VARIABLES.values():
        with pytest.raises(BadCall, match="is this program's own"):
            read_secret(variable, {variable: "x"})


def test_a_destinations_secret_is_read_from_its_variable_or_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("canary\n")
    for environment in ({"RISK_SECRET": "canary"}, {"RISK_SECRET_FILE": str(path)}):
        found = read_secret("RISK_SECRET", environment)
        assert found is not None and found.get_secret_value() == "canary"
        assert "canary" not in repr(found)
    assert read_secret("RISK_SECRET", {}) is None


def test_hosts_are_listed_between_commas() -> None:
    settings = read_settings({"ALERTING_PRIVATE_HOSTS": "Inside.example.com:8443, 10.0.0.7"}, start=ROOT)
    assert settings.private_hosts == ("inside.example.com:8443", "10.0.0.7")
    for wrong in ("https://hooks.example.com", "*.example.com"):
        with pytest.raises(BadCall, match="ALERTING_HTTP_HOSTS holds hosts, not addresses"):
            read_settings({"ALERTING_HTTP_HOSTS": wrong}, start=ROOT)
