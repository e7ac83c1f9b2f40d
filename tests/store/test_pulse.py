"""What falls silent becomes an incident, whatever fell silent, and ends when it is heard of again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_definitions import OVERDUE_EVALUATION, PART_STOPPED
from alerting_pipeline.domain.system_override import SystemOverride
from alerting_pipeline.store.clock import FixedClock
from alerting_pipeline.store.definitions import InForce
from alerting_pipeline.store.due_incidents import DueIncidents
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.late_evaluations import LateEvaluations
from alerting_pipeline.store.pulse import Heart, Pulse
from alerting_pipeline.store.system_incidents import SystemIncidents
from tests.conftest import Database
from tests.usecases.world import DESTINATIONS, TREE, definition

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass
class Ledger:
    database: Database
    held: InForce

    def __post_init__(self) -> None:
        self.engine = engine_for(self.database.app_url)
        self.pulse, self.late = Pulse(self.engine), LateEvaluations(self.engine)
        self.incidents = SystemIncidents(self.engine, lambda: self.held, FixedClock(NOW), "http://localhost:8080")

    def run(self, query: str, *parameters: object) -> None:
        with psycopg.connect(self.database.owner_url) as connection:
            connection.execute(query.encode(), parameters)

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def pass_by(self, seconds: float) -> None:
        self.run("update ledger.heartbeats set at = at - make_interval(secs => %s)", seconds)

    def notice(self) -> list[tuple[str, str]]:
        self.incidents.settle(PART_STOPPED, [beat.finding for beat in self.pulse.overdue()])
        return self.rows("select entity ->> 'part', status from ledger.incidents order by incident_id")


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    made = Ledger(database, InForce(routing=TREE, destinations=DESTINATIONS))
    yield made
    made.engine.dispose()


def test_part_is_overdue_after_three_times_as_long_as_it_means_to_be_heard_of(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 30)
    ledger.pass_by(85)
    assert ledger.pulse.overdue() == []
    ledger.pass_by(10)
    [beat] = ledger.pulse.overdue()
    assert (beat.part, beat.every) == ("pages", timedelta(seconds=30))


def test_silence_is_one_incident_and_ends_with_the_next_beat(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 1)
    ledger.pulse.beat("delivery worker", 60)
    ledger.pass_by(10)
    assert ledger.notice() == ledger.notice() == [("pages", "open")]
    ledger.pulse.beat("pages", 1)
    assert ledger.notice() == [("pages", "resolved")]
    ledger.pass_by(10)
    assert ledger.notice() == [("pages", "resolved"), ("pages", "open")]
    told = ledger.rows("select destination, transition from ledger.outbox order by sequence")
    assert told == [("#data", "opened"), ("#data", "cleared"), ("#data", "opened")]


def watching(ledger: Ledger, part: str, seconds: int, every: float) -> None:
    """The part was heard of again and again for so long, until now."""
    ledger.pulse.beat(part, every)
    ledger.run(
        "update ledger.heartbeats set detail = detail || jsonb_build_object("
        "'since', now() - make_interval(secs => %s), "
        "'before', now() - make_interval(secs => %s)) where part = 'beat:' || %s",
        seconds, every, part,
    )  # fmt: skip


def test_a_part_is_missed_only_by_who_was_there_to_hear_it(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 30)
    ledger.pulse.beat("passing time", 15)
    ledger.pass_by(8 * 3600)  # the machine slept
    ledger.pulse.beat("passing time", 15)
    [pages] = ledger.pulse.overdue()
    seen = ledger.pulse.witness("passing time")
    assert seen is not None and not seen.misses(pages)
    watching(ledger, "passing time", seconds=89, every=15)
    seen = ledger.pulse.witness("passing time")
    assert seen is not None and not seen.misses(pages)
    watching(ledger, "passing time", seconds=91, every=15)
    seen = ledger.pulse.witness("passing time")
    assert seen is not None and seen.misses(pages)


def test_who_looks_seldom_misses_what_was_silent_between_two_of_its_looks(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 30)
    watching(ledger, "schedule clock", seconds=86_400, every=900)
    ledger.run("update ledger.heartbeats set at = now() - interval '10 minutes' where part = 'beat:pages'")
    [pages] = ledger.pulse.overdue()
    seen = ledger.pulse.witness("schedule clock")
    assert seen is not None and not seen.misses(pages)  # the machine may have slept for these ten minutes
    ledger.run("update ledger.heartbeats set at = now() - interval '16 minutes' where part = 'beat:pages'")
    [pages] = ledger.pulse.overdue()
    assert seen.misses(pages)


def test_a_part_is_heard_of_without_a_gap_until_it_rests_or_is_silent(ledger: Ledger) -> None:
    def length() -> float:
        seen = ledger.pulse.witness("pages")
        assert seen is not None
        return (seen.now - seen.since).total_seconds()

    assert ledger.pulse.witness("pages") is None
    ledger.pulse.beat("pages", 30)
    ledger.pass_by(60)
    ledger.run("update ledger.heartbeats set detail = detail || jsonb_build_object('since', at)")
    ledger.pulse.beat("pages", 30)
    assert 60 <= length() < 90
    ledger.pulse.rest(["pages"])
    ledger.pulse.beat("pages", 30)
    assert length() < 30


def test_what_nobody_was_there_to_hear_neither_opens_nor_ends_an_incident(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 1)
    ledger.pass_by(10)
    unsure = [beat.finding for beat in ledger.pulse.overdue()]
    ledger.incidents.settle(PART_STOPPED, [], unsure)
    assert ledger.rows("select from ledger.incidents") == []
    assert ledger.notice() == [("pages", "open")]
    ledger.incidents.settle(PART_STOPPED, [], unsure)
    assert ledger.rows("select status from ledger.incidents") == [("open",)]


def test_part_that_was_stopped_in_an_orderly_way_never_alarms(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 1)
    ledger.pulse.rest(["pages", "never heard of"])
    ledger.pass_by(1_000_000)
    assert ledger.notice() == []
    ledger.pulse.beat("pages", 1)
    ledger.pass_by(10)
    assert ledger.notice() == [("pages", "open")]


def test_incident_of_a_part_that_is_stopped_for_good_ends(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 1)
    ledger.pass_by(10)
    ledger.notice()
    ledger.pulse.rest(["pages"])
    assert ledger.notice() == [("pages", "resolved")]


def test_what_a_person_resolved_is_told_again_only_after_it_was_over(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 1)
    ledger.pass_by(10)
    ledger.notice()
    ledger.run("update ledger.incidents set status = 'resolved', resolved_at = now(), resolution = 'by_person'")
    ledger.run(
        "insert into ledger.known_fingerprints (alert, fingerprint, entity, why, since) "
        "select alert, fingerprint, entity, 'by_person', now() from ledger.incidents"
    )
    assert ledger.notice() == [("pages", "resolved")]
    ledger.pulse.beat("pages", 1)
    ledger.notice()
    ledger.pass_by(10)
    assert ledger.notice() == [("pages", "resolved"), ("pages", "open")]


def test_heartbeats_can_be_read_by_analysts_and_deleted_by_nobody(ledger: Ledger) -> None:
    ledger.pulse.beat("pages", 30)
    with psycopg.connect(ledger.database.analyst_url) as connection:
        row = connection.execute("select part, every, is_resting, is_overdue from alerting.heartbeats").fetchone()
    assert row == ("pages", timedelta(seconds=30), False, False)
    with psycopg.connect(ledger.database.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("delete from ledger.heartbeats")


def test_other_notes_among_the_heartbeats_are_no_parts(ledger: Ledger) -> None:
    ledger.run("insert into ledger.heartbeats (part, at) values ('mart:payments', now() - interval '1 year')")
    ledger.pulse.note_ping("it answered 500")
    assert ledger.pulse.beats() == []
    last = ledger.pulse.last_ping()
    assert last is not None and last[1] == "it answered 500"


def test_heart_writes_once_in_its_interval() -> None:
    beats: list[tuple[str, float]] = []
    heart = Heart(lambda part, every: beats.append((part, every)), "delivery worker", 60)
    for _ in range(100):
        heart()
    assert beats == [("delivery worker", 60)]


def publish(ledger: Ledger, *definitions: AlertDefinition) -> list[AlertDefinition]:
    for each in definitions:
        ledger.run(
            "insert into ledger.definition_versions (alert, version, kind, path, body, source) "
            "values (%s, 'v', 'business', 'x.yaml', '{}', '')",
            each.alert,
        )
        ledger.run(
            "insert into ledger.definitions (alert, version, kind, path, published_at) "
            "values (%s, 'v', 'business', 'x.yaml', now() - interval '1 day')",
            each.alert,
        )
    return list(definitions)


def due(ledger: Ledger, alert: str, at: datetime, *, done: bool) -> None:
    ledger.run(
        "insert into ledger.due_work (work, due_window, due_at, done_at) "
        "values (%s, %s, %s, case when %s then now() end)",
        f"cron:{alert}", at.isoformat(), at, done,
    )  # fmt: skip


HOURLY = {"cron": "0 * * * *"}


def test_schedule_is_overdue_when_its_window_came_twice(ledger: Ledger) -> None:
    alerts = publish(ledger, definition(trigger=HOURLY))
    due(ledger, "large", NOW - timedelta(hours=2), done=True)
    due(ledger, "large", NOW - timedelta(hours=1), done=False)
    assert ledger.late.among(alerts, NOW - timedelta(minutes=1)) == []
    [late] = ledger.late.among(alerts, NOW)
    assert (late.alert, late.since) == ("large", NOW - timedelta(hours=1))
    ledger.run("update ledger.definitions set last_evaluated_at = %s", NOW)
    assert ledger.late.among(alerts, NOW) == []


def test_paused_or_never_scheduled_alert_owes_no_evaluation(ledger: Ledger) -> None:
    paused = definition(trigger=HOURLY, pause={"until": "2026-02-01", "reason": "the source moves"})
    alerts = publish(ledger, paused, definition(alert="new", trigger=HOURLY))
    due(ledger, "large", NOW - timedelta(days=2), done=True)
    assert ledger.late.among(alerts, NOW) == []


def built(ledger: Ledger, minutes_ago: int) -> None:
    ledger.run(
        "insert into ledger.heartbeats (part, at) values ('mart:payments', now() - make_interval(mins => %s)) "
        "on conflict (part) do update set at = excluded.at",
        minutes_ago,
    )


def evaluated(ledger: Ledger, minutes_ago: int) -> None:
    ledger.run(
        "insert into ledger.evaluations (alert, definition_version, materialization_id, as_of, started_at, finished_at,"
        " outcome) select 'large', 'v', gen_random_uuid()::text, at, at, at, 'data_failure' "
        "from (select now() - make_interval(mins => %s) as at) as given",
        minutes_ago,
    )


def test_alert_is_overdue_half_an_hour_after_its_mart_was_built_unevaluated(ledger: Ledger) -> None:
    alerts = publish(ledger, definition())
    assert ledger.late.among(alerts, NOW) == []
    built(ledger, minutes_ago=29)
    assert ledger.late.among(alerts, NOW) == []
    built(ledger, minutes_ago=31)
    [late] = ledger.late.among(alerts, NOW)
    ledger.incidents.settle(OVERDUE_EVALUATION, [late.finding])
    evaluated(ledger, minutes_ago=32)
    assert len(ledger.late.among(alerts, NOW)) == 1
    evaluated(ledger, minutes_ago=30)
    ledger.incidents.settle(OVERDUE_EVALUATION, [each.finding for each in ledger.late.among(alerts, NOW)])
    assert ledger.rows("select alert, entity, status from ledger.incidents") == [
        (OVERDUE_EVALUATION, {"alert": "large"}, "resolved")
    ]


def test_data_definition_is_overdue_half_an_hour_after_a_build_that_did_not_check_it(ledger: Ledger) -> None:
    fresh = DataDefinition.model_validate(
        {"alert": "large", "kind": "data", "model": "payments", "freshness": {"within": "1h", "column": "loaded_at"}}
    )
    publish(ledger, definition())
    held = InForce({"large": fresh}, routing=TREE, destinations=DESTINATIONS)
    evaluated(ledger, minutes_ago=90)
    for minutes, late in ((89, ["large"]), (29, []), (91, [])):
        ledger.run(
            "insert into ledger.heartbeats (part, detail) select 'dbt build', jsonb_build_object("
            "'model.x.payments', jsonb_build_object('good', now() - make_interval(mins => %s))) "
            "on conflict (part) do update set detail = excluded.detail",
            minutes,
        )
        assert [each.alert for each in ledger.late.of(held, NOW)] == late, minutes


def test_report_is_overdue_when_nobody_took_up_two_of_its_windows(ledger: Ledger) -> None:
    weekly = ReportDefinition.model_validate(
        {
            "report": "summary", "model": "payments", "entity": "id", "trigger": {"cron": "0 * * * *"},
            "to_column": "owner_email", "subject": "s", "template": "t.html", "owner": "ops",
        }
    )  # fmt: skip
    publish(ledger, definition(alert="summary"))
    held = InForce({"summary": weekly}, routing=TREE, destinations=DESTINATIONS)
    assert ledger.late.of(held, NOW) == []
    ledger.run(
        "insert into ledger.due_work (work, due_window, due_at) values ('report:summary', 'since', %s)",
        NOW - timedelta(hours=1, minutes=30),
    )
    assert ledger.late.of(held, NOW - timedelta(minutes=1)) == []
    [late] = ledger.late.of(held, NOW)
    assert (late.alert, late.since) == ("summary", NOW - timedelta(hours=1))


def test_a_part_that_comes_and_goes_is_one_incident_until_it_stays(ledger: Ledger) -> None:
    def is_back() -> bool:
        [beat] = ledger.pulse.beats()
        return beat.is_back

    ledger.pulse.beat("pages", 30)
    assert is_back()
    ledger.run("update ledger.heartbeats set detail = detail || jsonb_build_object('since', now() - interval '2 min')")
    assert not is_back()
    ledger.pulse.falter("pages")
    assert is_back()
    ledger.pulse.rest(["pages"])
    assert not is_back()


def override(**changes: Any) -> SystemOverride:
    return SystemOverride.model_validate({"alert": PART_STOPPED, "kind": "system", "path": "x.yaml", **changes})


def test_a_file_says_whose_a_built_in_definition_is_how_bad_and_who_hears_of_it(database: Database) -> None:
    said = override(
        owner="platform",
        severity=[{"level": "critical", "respond_within": "30m", "remind_every": "10m"}],
        notify=["#data", "risk-mail"],
    )
    ledger = Ledger(database, InForce({PART_STOPPED: said}, routing=TREE, destinations=DESTINATIONS))
    ledger.pulse.beat("pages", 1)
    ledger.pass_by(10)
    ledger.notice()
    [row] = ledger.rows("select owner, severity, due_at - opened_at from ledger.incidents")
    assert row == ("platform", "critical", timedelta(minutes=30))
    # A destination of business people is left out: nothing about the alerting itself reaches them.
    assert ledger.rows("select distinct destination from ledger.outbox") == [("#data",)]
    terms = DueIncidents(ledger.engine, lambda: ledger.held, "").terms[PART_STOPPED]
    assert (terms.owner, terms.remind_every) == ("platform", {"critical": timedelta(minutes=10)})
    ledger.engine.dispose()


def test_what_an_override_leaves_out_stays_as_it_is_built_in() -> None:
    built_in = DefinitionSet({}).built_in
    owned = DefinitionSet({PART_STOPPED: override(owner="platform")}).built_in
    assert owned[PART_STOPPED].severity == built_in[PART_STOPPED].severity
    assert {name for name in built_in if owned[name] != built_in[name]} == {PART_STOPPED}
    louder = DefinitionSet({PART_STOPPED: override(severity=[{"level": "critical"}])}).built_in[PART_STOPPED]
    assert louder.respond_within == built_in[PART_STOPPED].respond_within
