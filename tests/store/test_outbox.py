"""The outbox in Postgres: nothing vanishes, nobody overtakes, the fence holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.ports import Claim, Failure, Receipt
from alerting_pipeline.domain.system_definitions import SYSTEM_DEFINITIONS, SystemFinding
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.notification import Notification
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.incidents import clear_finding, record_finding
from alerting_pipeline.store.outbox import PostgresOutbox, counts, enqueue, listed, retry
from tests.conftest import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    engine = engine_for(database.app_url)
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(engine: Engine) -> Iterator[PostgresOutbox]:
    outbox = PostgresOutbox(engine, worker="one")
    yield outbox
    outbox.close()


def open_incident(engine: Engine) -> int:
    with engine.begin() as connection:
        return connection.execute(
            text("""
            insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner,
                definition_version, opened_at, last_seen_at)
            values ('late', cast(:id as uuid), '{}', 'business', 'open', 'high', 's', 'ops', 'v', now(), now())
            returning incident_id"""),
            {"id": str(uuid4())},
        ).scalar_one()


def notification(
    incident: int | None, transition: str = "opened", to: str = "#risk", summary: str = "s"
) -> Notification:
    message = Message(alert="late", transition=transition, title="Late", summary=summary, incident_id=incident)
    return Notification(uuid4(), to, "slack", message, incident, "late", transition)


def put(engine: Engine, *items: Notification) -> list[UUID]:
    with engine.begin() as connection:
        enqueue(connection, items)
    return [item.delivery_id for item in items]


def status_of(engine: Engine, delivery_id: UUID) -> str:
    with engine.connect() as connection:
        given = {"id": delivery_id}
        return connection.execute(text("select status from ledger.outbox where delivery_id = :id"), given).scalar_one()


def ids(claims: list[Claim]) -> list[UUID]:
    return [claim.delivery.id for claim in claims]


def test_same_delivery_enqueued_twice_is_one_row(engine: Engine, outbox: PostgresOutbox) -> None:
    item = notification(None)
    with engine.begin() as connection:
        assert enqueue(connection, [item]) == 1
        assert enqueue(connection, [item]) == 0
    assert ids(outbox.claim(10, {})) == [item.delivery_id]


def test_rolled_back_evaluation_leaves_nothing_to_send(engine: Engine, outbox: PostgresOutbox) -> None:
    with engine.connect() as connection:
        enqueue(connection, [notification(None)])
        connection.rollback()
    assert outbox.claim(10, {}) == []
    assert outbox.seconds_until_due() is None


def test_text_that_postgres_cannot_store_does_not_lose_the_message(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None, summary="null \x00 and half a pair \ud800"))
    assert outbox.claim(10, {})[0].delivery.message["summary"] == "null  and half a pair ?"


def test_claimed_delivery_is_nobody_elses(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None), notification(None))
    first = outbox.claim(1, {})
    second = PostgresOutbox(engine, worker="two").claim(10, {})
    assert len(first) == len(second) == 1
    assert ids(first) != ids(second)


def test_later_message_never_overtakes_an_earlier_unsent_one(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    opened, cleared, elsewhere = put(
        engine, notification(incident), notification(incident, "cleared"), notification(incident, to="mail")
    )
    claims = outbox.claim(10, {})
    assert set(ids(claims)) == {opened, elsewhere}
    outbox.record_failed([Failure(claim, "down", 3600) for claim in claims])
    assert outbox.claim(10, {}) == []
    assert status_of(engine, cleared) == "waiting"


def test_earlier_receipt_comes_with_the_next_message(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    put(engine, notification(incident))
    outbox.record_sent([(outbox.claim(10, {})[0], Receipt({"ts": "1.2"}))])
    put(engine, notification(incident, "updated"))
    claim = outbox.claim(10, {})[0]
    assert claim.earlier == Receipt({"ts": "1.2"})


def test_dead_message_does_not_block_the_later_ones(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    put(engine, notification(incident))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "refused", None)])
    (cleared,) = put(engine, notification(incident, "cleared"))
    assert ids(outbox.claim(10, {})) == [cleared]


def test_update_that_nobody_tried_is_merged_into_the_later_one(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    opened, first, second = [put(engine, notification(incident, t))[0] for t in ("opened", "updated", "updated")]
    assert ids(outbox.claim(10, {})) == [opened]
    assert [status_of(engine, item) for item in (first, second)] == ["sent", "waiting"]
    with engine.connect() as connection:
        receipt = connection.execute(text("select receipt from ledger.outbox where delivery_id = :i"), {"i": first})
        assert receipt.scalar_one() == {"superseded_by": str(second)}


def test_update_that_may_have_left_is_not_merged(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    (first,) = put(engine, notification(incident, "updated"))
    outbox.claim(10, {})
    put(engine, notification(incident, "updated"))
    assert status_of(engine, first) == "leased"


def test_expired_lease_goes_to_another_worker_and_the_first_one_cannot_finish(engine: Engine) -> None:
    slow, quick = PostgresOutbox(engine, worker="slow", lease=0.05), PostgresOutbox(engine, worker="quick")
    put(engine, notification(None))
    stale = slow.claim(10, {})[0]
    time.sleep(0.1)
    fresh = quick.claim(10, {})[0]
    assert fresh.delivery.attempt == 2
    assert fresh.delivery.is_uncertain
    assert slow.record_sent([(stale, Receipt())]) == 0
    assert slow.record_failed([Failure(stale, "late", None)]) == 0
    assert quick.record_sent([(fresh, Receipt())]) == 1


def test_late_answer_counts_as_long_as_nobody_has_claimed_the_delivery_since(
    engine: Engine, outbox: PostgresOutbox
) -> None:
    (item,) = put(engine, notification(None))
    claim = outbox.claim(10, {})[0]
    outbox.record_failed([Failure(claim, "no answer within 50 s", 0, is_uncertain=True)])
    assert outbox.record_sent([(claim, Receipt())]) == 1
    assert status_of(engine, item) == "sent"
    assert outbox.claim(10, {}) == []


def test_late_answer_to_an_attempt_that_was_repeated_is_noted_as_a_possible_duplicate(engine: Engine) -> None:
    slow, quick = PostgresOutbox(engine, worker="slow"), PostgresOutbox(engine, worker="quick")
    put(engine, notification(None))
    stale = slow.claim(10, {})[0]
    slow.record_failed([Failure(stale, "no answer within 50 s", 0, is_uncertain=True)])
    fresh = quick.claim(10, {})[0]
    assert slow.record_sent([(stale, Receipt())]) == 0
    assert quick.record_sent([(fresh, Receipt())]) == 1
    with engine.connect() as connection:
        assert counts(connection)["resent"] == 1


def test_first_attempt_and_one_after_a_clear_refusal_are_not_uncertain(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    claim = outbox.claim(10, {})[0]
    assert not claim.delivery.is_uncertain
    outbox.record_failed([Failure(claim, "connection refused", 0)])
    assert not outbox.claim(10, {})[0].delivery.is_uncertain


def test_uncertain_failure_stays_uncertain_for_every_later_attempt(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "timeout", 0, is_uncertain=True)])
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "refused", 0)])
    assert outbox.claim(10, {})[0].delivery.is_uncertain


def test_progress_of_a_failed_attempt_comes_back(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "later", 0, progress={"taken": ["a@b"]})])
    assert outbox.claim(10, {})[0].delivery.progress == {"taken": ["a@b"]}


def test_destination_without_room_waits_and_costs_the_others_nothing(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, *(notification(None, to="#slow") for _ in range(5)), notification(None, to="#quick"))
    assert [claim.delivery.destination for claim in outbox.claim(10, {"#slow": 0})] == ["#quick"]
    assert len(outbox.claim(10, {"#slow": 2})) == 2


def test_delivery_before_its_time_is_not_claimed(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "busy", 30)])
    assert outbox.claim(10, {}) == []
    assert 25 < (outbox.seconds_until_due() or 0) <= 30


def test_released_lease_counts_no_attempt(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    assert outbox.release(outbox.claim(10, {})) == 1
    claim = outbox.claim(10, {})[0]
    assert (claim.delivery.attempt, claim.delivery.is_uncertain) == (1, False)
    outbox.record_sent([(claim, Receipt())])


def test_dead_letter_is_reported_in_the_transaction_that_declares_it(engine: Engine) -> None:
    reported: list[SystemFinding] = []
    outbox = PostgresOutbox(engine, worker="one", report_dead=lambda connection, finding: reported.append(finding))
    put(engine, notification(None))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "channel_not_found", None)])
    assert [(finding.alert, finding.entity) for finding in reported] == [("dead_letter", {"destination": "#risk"})]


class Nobody:
    """Hears of incidents, and tells nobody."""

    people = People()
    built_in = SYSTEM_DEFINITIONS

    def __call__(self, connection: Connection, news: object) -> None:
        pass


def test_next_success_at_a_destination_ends_its_dead_letter_incident(engine: Engine) -> None:
    def dead(connection: Connection, finding: SystemFinding) -> None:
        record_finding(connection, finding, now=NOW, announce=Nobody())

    def alive(connection: Connection, alert: str, entity: Mapping[str, str]) -> None:
        clear_finding(connection, alert, entity, now=NOW, announce=Nobody())

    outbox = PostgresOutbox(engine, worker="one", report_dead=dead, report_alive=alive)
    put(engine, notification(None), notification(None, to="#other"))
    for claim in outbox.claim(10, {}):
        outbox.record_failed([Failure(claim, "channel_not_found", None)])
    put(engine, notification(None))
    outbox.record_sent([(outbox.claim(10, {})[0], Receipt())])
    with engine.connect() as connection:
        found = connection.execute(text("select entity ->> 'destination', status from ledger.incidents"))
        assert dict(found.tuples().all()) == {"#risk": "resolved", "#other": "open"}


def test_dead_letter_whose_report_fails_stays_leased(engine: Engine) -> None:
    def fail(connection: object, finding: object) -> None:
        raise RuntimeError("no")

    outbox = PostgresOutbox(engine, worker="one", report_dead=fail)
    (item,) = put(engine, notification(None))
    with pytest.raises(RuntimeError):
        outbox.record_failed([Failure(outbox.claim(10, {})[0], "refused", None)])
    assert status_of(engine, item) == "leased"


def test_retried_dead_letter_is_due_again(engine: Engine, outbox: PostgresOutbox) -> None:
    (item,) = put(engine, notification(None))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "refused", None)])
    with engine.begin() as connection:
        assert [row["status"] for row in retry(connection, str(item))] == ["waiting"]
    assert ids(outbox.claim(10, {})) == [item]


def test_dead_letter_that_later_news_has_covered_is_not_sent_after_them(engine: Engine, outbox: PostgresOutbox) -> None:
    incident = open_incident(engine)
    (opened,) = put(engine, notification(incident))
    outbox.record_failed([Failure(outbox.claim(10, {})[0], "refused", None)])
    (cleared,) = put(engine, notification(incident, "cleared"))
    outbox.record_sent([(outbox.claim(10, {})[0], Receipt())])
    with engine.begin() as connection:
        assert [row["covered_by"] for row in retry(connection)] == [cleared]
    assert status_of(engine, opened) == "sent"
    assert outbox.claim(10, {}) == []


def test_commit_wakes_the_waiting_worker_at_once(engine: Engine, outbox: PostgresOutbox) -> None:
    outbox.wait(0)
    threading.Timer(0.1, put, (engine, notification(None))).start()
    started = time.monotonic()
    assert outbox.wait(5)
    assert time.monotonic() - started < 1


def test_warning_of_a_sent_delivery_is_shown(engine: Engine, outbox: PostgresOutbox) -> None:
    put(engine, notification(None))
    outbox.record_sent([(outbox.claim(10, {})[0], Receipt({"warning": "refused by x@y"}, is_duplicate_possible=True))])
    with engine.connect() as connection:
        assert [row["error"] for row in listed(connection)] == ["refused by x@y"]
        assert counts(connection) == {"sent": 1, "resent": 1}


def test_eight_workers_never_claim_the_same_delivery(engine: Engine) -> None:
    put(engine, *(notification(None, to=f"#{number % 5}") for number in range(400)))
    claimed: list[UUID] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        outbox = PostgresOutbox(engine, worker=name)
        empty = 0
        while empty < 3:
            found = ids(outbox.claim(7, {}))
            empty = 0 if found else empty + 1
            with lock:
                claimed.extend(found)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 400
