"""The sample company by one command: what was planted reaches people once, and a second run has nothing to say."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from alerting_pipeline.app import App
from alerting_pipeline.settings import read_settings
from docs.generator import messages
from tests.scenarios.command_line import PROJECT, Shell

CURSOR_UP = b"\x1b[1A"

# Two whole demos stand behind the first test, beside another worker on two cores.
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(900)]


def test_every_planted_exception_is_alerted_once_and_no_near_miss(shell: Shell, demo_home: Path) -> None:
    again = shell.json("demo", "--once", "--days", "3", timeout=600)
    reckoning = again["reckoning"]
    assert reckoning["is_perfect"], reckoning
    assert len(reckoning["alerted_once"]) >= 10
    assert len(reckoning["near_misses_silent"]) >= 10
    assert again["pass"]["opened"] == 0
    assert again["pass"]["sent"] == again["pass"]["waiting"] == again["pass"]["failed"] == 0
    evaluated = {row["alert"] for row in shell.rows("select distinct alert from alerting.evaluations")}
    known = [case for case in reckoning["alerted_once"] if case["alert"] in evaluated]  # reports open no incident
    assert again["pass"]["deduped"] == len(known) >= 40


def test_each_incident_went_to_every_destination_of_its_route(shell: Shell, demo_home: Path) -> None:
    undelivered = shell.rows(
        """
        select i.incident_id, i.alert from alerting.incidents i
        where not exists (select from alerting.deliveries d where d.incident_id = i.incident_id and d.status = 'sent')
          and not exists (select from alerting.deliveries d where d.incident_id is null and d.alert = i.alert)
          and not exists (
            select from alerting.held_notifications h join alerting.deliveries d using (delivery_id)
            where h.incident_id = i.incident_id and d.status = 'sent'
          )
        """
    )
    assert undelivered == []
    channels = {row["channel"] for row in shell.rows("select distinct channel from alerting.deliveries")}
    assert channels >= {"slack", "email", "sheet", "table", "csv"}


def test_whoever_is_on_call_was_told_of_what_failed_and_a_postmortem_can_be_written(
    shell: Shell, demo_home: Path, tmp_path: Path
) -> None:
    [row] = shell.rows("select incident_id from alerting.incidents where alert = 'weather_forecasts_fresh'")
    number = str(row["incident_id"])
    [way] = shell.json("route", number)["routes"]
    assert way["on_call"]["person"] == "goran"  # it is Monday morning, before the hand-over
    assert "@goran" in [each["name"] for each in way["destinations"]]
    climbed = f"select destination from alerting.deliveries where incident_id = {number} and transition = 'escalated'"
    assert [row["destination"] for row in shell.rows(f"{climbed} order by created_at")] == ["@goran", "@ines"]
    assert [each["what"] for each in way["escalation"]] == ["sla_warned", "sla_breached"]  # what is still to come
    where = f"incident_id = {number} and destination = '@goran' and status = 'sent'"
    told = shell.rows(f"select transition, channel from alerting.deliveries where {where}")
    assert {"transition": "opened", "channel": "slack"} in told
    shell.alerting("incidents", "postmortem", number, "--output", str(tmp_path / "postmortem.md"))
    text = (tmp_path / "postmortem.md").read_text()
    assert "2026-01-19 06:00 UTC (2026-01-19 07:00 Europe/Berlin)" in text
    assert "weather\\_delay\\_expected" in text.split("## What could not be said meanwhile")[1]


def test_the_morning_shows_a_snooze_an_escalation_an_outage_and_a_digest(shell: Shell, demo_home: Path) -> None:
    seen = shell.json("demo", "--once", "--days", "3", timeout=600)["morning"]  # a repetition: nothing happens again
    assert [scene["name"] for scene in seen] == ["a snooze", "an escalation", "an outage", "a digest"]
    for scene in seen:
        done = shell.run("bash", "-c", scene["command"])
        assert done.returncode == 0, f"$ {scene['command']}\n{done.stderr}"

    [snoozed] = shell.rows("select * from alerting.incidents where status = 'snoozed'")
    assert (snoozed["alert"], snoozed["snoozed_by"], snoozed["snoozed_until"]) == (
        "over_daily_budget", "dina", "2026-01-21T06:00:00+00:00",
    )  # fmt: skip
    audited = shell.rows("select actor, object from alerting.audit_log where action = 'incident_snoozed'")
    assert audited == [{"actor": "dina", "object": f"incident {snoozed['incident_id']}"}]

    [weather] = shell.rows("select incident_id from alerting.incidents where alert = 'weather_forecasts_fresh'")
    of_it = f"where incident_id = {weather['incident_id']}"
    climbed = shell.rows(f"select at from alerting.incident_events {of_it} and event = 'escalated' order by at")
    assert [row["at"] for row in climbed] == ["2026-01-19T06:30:00+00:00", "2026-01-19T08:00:00+00:00"]
    asked = f"select destination from alerting.deliveries {of_it} and transition = 'escalated' order by created_at"
    assert [row["destination"] for row in shell.rows(asked)] == ["@goran", "@ines"]
    late = shell.rows("select count(*) as n from alerting.incidents where sla_breached_at is not null")
    assert late == [{"n": 0}]

    held = shell.rows("select distinct alert, violations from alerting.evaluations where outcome = 'data_failure'")
    assert [row["alert"] for row in held] == ["weather_delay_expected"]
    assert shell.rows("select 1 from alerting.incidents where alert = 'weather_delay_expected'") == []

    told = shell.rows(
        "select h.destination, h.fate, h.settled_at, count(*) as incidents, count(distinct d.delivery_id) as messages "
        "from alerting.held_notifications h join alerting.deliveries d using (delivery_id) "
        "where h.why = 'digest' and d.status = 'sent' group by 1, 2, 3 order by 1"
    )
    at = {"fate": "told", "settled_at": "2026-01-19T08:00:00+00:00", "incidents": 4, "messages": 1}
    assert told == [{"destination": "#cloud-cost", **at}, {"destination": "finops-mail", **at}]


def test_marts_hold_what_was_loaded(shell: Shell, demo_home: Path) -> None:
    assert shell.rows(
        "select (select count(*) from raw.card_transactions) = (select count(*) from marts.transactions) as complete"
    ) == [{"complete": True}]


def test_dbt_docs_tell_of_every_model_column_and_definition(shell: Shell, demo_home: Path, tmp_path: Path) -> None:
    with App(read_settings({"ALERTING_HOME": str(demo_home)}, PROJECT)) as app:
        environment = {**os.environ, **app.dbt_project.environment(), "DBT_TARGET_PATH": str(tmp_path)}
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbt"), "docs", "generate", "--static"], cwd=PROJECT / "dbt_project",
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    manifest, catalog = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("manifest", "catalog"))
    models = {each: node for each, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    assert catalog["nodes"].keys() >= models.keys()
    assert catalog["sources"].keys() == manifest["sources"].keys()
    for unique_id, model in models.items():
        described = {name for name, column in model["columns"].items() if column["description"]}
        if model["fqn"][1] == "marts":
            assert catalog["nodes"][unique_id]["columns"].keys() == described, unique_id
    # A data definition about a model that dbt keeps private can't be an exposure.
    exposed = {each["name"] for each in manifest["exposures"].values()}
    with App(read_settings({"ALERTING_HOME": str(demo_home)}, PROJECT)) as app:
        loaded = app.loaded_definitions
    assert exposed >= {*loaded.alerts, *loaded.reports}
    assert exposed & set(loaded.data)
    assert (tmp_path / "static_index.html").exists()


def test_the_pages_of_examples_show_the_messages_that_were_sent(shell: Shell, demo_home: Path) -> None:
    with App(read_settings({"ALERTING_HOME": str(demo_home)}, PROJECT)) as app:
        for page in messages.pages():
            shown = page.read_text(encoding="utf-8")
            assert shown == messages.with_messages(shown, app.engine), f"{page.name}: run `make examples`"


def test_no_mart_knows_what_was_planted_and_of_fraud_only_reports_a_week_late(shell: Shell, demo_home: Path) -> None:
    columns = shell.rows(
        """
        select table_schema, column_name from information_schema.columns
        where table_schema in ('staging', 'intermediate', 'marts') and column_name ~ 'fraud|label|planted'
        """
    )
    assert {(each["table_schema"], each["column_name"]) for each in columns} == {
        ("staging", "was_fraud"),
        ("intermediate", "was_fraud"),
        ("intermediate", "confirmed_frauds"),
        ("marts", "confirmed_frauds"),
    }


def test_on_a_terminal_nothing_is_drawn_over_the_result(shell: Shell, demo_home: Path) -> None:
    said = on_a_terminal(shell, "alerting", "demo", "--once", "--days", "3")
    assert CURSOR_UP in said  # there were bars, while it worked
    _, _, result = said.partition(b"This pass")
    assert b"unusual_transaction" in result
    assert CURSOR_UP not in result


def on_a_terminal(shell: Shell, *command: str) -> bytes:
    """What a terminal of 80 columns would be sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environment = {**shell.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # Linux says EIO when the other side is closed
        while piece := os.read(ours, 65_536):
            said += piece
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return said


def test_nothing_is_left_running(shell: Shell, demo_home: Path) -> None:
    homes = str(shell.home).encode()
    left = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if homes in command:
                left.append(command)
    assert left == []
