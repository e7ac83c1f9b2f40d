"""Reports on the real engine: each message once, whatever is repeated, held, changed or broken around it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.letter import WindowStatus
from tests.usecases.report_world import ReportWorld, report

ADA, BEN, CHEN = "ada@example.com", "ben@example.com", "chen@example.com"


@pytest.fixture
def world(database: Any) -> Iterator[ReportWorld]:
    made = ReportWorld(database)
    yield made
    made.close()


def test_each_row_is_sent_to_its_recipient_through_one_lane(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA}, {"id": "i2", "email": BEN}, {"id": "i3", "email": CHEN, "amount": 0})
    assert world.send().sent == 2
    assert sorted(world.sent_to()) == [ADA, BEN]
    rows = world.sql("select distinct destination, channel, incident_id, alert from ledger.outbox")
    assert rows == [{"destination": "report mail", "channel": "email", "incident_id": None, "alert": "reminder"}]


def test_a_second_pass_in_the_same_window_sends_nothing_and_the_next_window_sends_again(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA})
    world.send()
    world.later(minutes=29)
    again = world.send()
    assert (again.sent, again.known) == (0, 1)
    world.later(minutes=1)  # the next full hour
    assert world.send().sent == 1
    assert len(world.messages()) == 2


def test_two_senders_at_once_send_each_message_once(world: ReportWorld) -> None:
    world.put(*({"id": f"i{number}", "email": f"c{number}@example.com"} for number in range(1200)))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: world.send(), range(4)))
    assert sum(result.sent for result in results) == 1200
    assert len(set(world.sent_to())) == len(world.sent_to()) == 1200
    assert world.sql("select sent, due from alerting.report_windows") == [{"sent": 1200, "due": 1200}]


def test_a_window_column_makes_a_message_new_and_a_tick_does_not(world: ReportWorld) -> None:
    world.definition = report(window="due_at")
    world.put({"id": "i1", "email": ADA})
    world.send()
    world.later(hours=5)
    assert world.send().sent == 0
    world.put({"id": "i1", "email": ADA, "due_at": "2026-01-21T00:00:00Z"})
    assert world.send().sent == 1
    windows = [row["report_window"] for row in world.messages()]
    assert windows == ["2026-01-20T00:00:00.000000Z", "2026-01-21T00:00:00.000000Z"]


def test_a_row_without_a_window_is_skipped_and_not_sent_for_ever(world: ReportWorld) -> None:
    world.definition = report(window="due_at")
    world.put({"id": "i1", "email": ADA, "due_at": None})
    assert world.send().skipped == 1
    assert world.messages()[0]["reason"] == "due_at is empty"


def test_while_the_mart_can_not_be_believed_the_window_is_held_and_sent_when_it_can_be_again(
    world: ReportWorld,
) -> None:
    world.put({"id": "i1", "email": ADA})
    world.health.failures = ("test not_null_invoices_id failed",)
    held = world.send()
    assert held.status is WindowStatus.HELD and "not_null_invoices_id" in held.reason
    assert world.sent_to() == []
    world.health.failures = ()
    world.later(minutes=10)
    assert world.send().sent == 1
    assert world.sql("select status, sent from alerting.report_windows") == [{"status": "done", "sent": 1}]


def test_rows_that_can_not_be_sent_are_skipped_told_once_and_keep_no_other_from_being_sent(world: ReportWorld) -> None:
    world.definition = report(template_text='<p>{{ 10 / amount }}</p><a href="{{ link }}">pay</a>')
    fine = {"link": "https://example.com/i"}
    world.put(
        {"id": "i1", "email": ADA, **fine},
        {"id": "i2", "email": None, **fine},
        {"id": "i3", "email": "nobody", **fine},
        {"id": "i4", "email": CHEN, "link": "javascript:alert(1)"},
    )
    result = world.send()
    assert (result.sent, result.skipped) == (1, 3)
    assert world.sent_to() == [ADA]
    reasons = {row["entity"]["id"]: row["reason"] for row in world.messages() if row["status"] == "skipped"}
    assert reasons == {
        "i2": "email is empty",
        "i3": "email is not a mail address",
        "i4": "a link of the message is not an http(s) address",
    }
    world.send()
    assert [(alert, status) for alert, status, _ in world.incidents()] == [("report_rows_skipped", "open")]
    assert "3 rows were not sent as reminder" in world.incidents()[0][2]
    assert "nobody" not in world.incidents()[0][2]  # a value of data


def test_a_row_that_was_mended_is_sent_within_its_window_and_the_incident_ends(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": None})
    world.send()
    world.put({"id": "i1", "email": ADA})
    assert world.send().sent == 1
    assert [(row["status"], row["reason"]) for row in world.messages()] == [("waiting", None)]
    assert [(alert, status) for alert, status, _ in world.incidents()] == [("report_rows_skipped", "resolved")]


def test_a_second_row_about_the_same_message_is_left_out_and_counted(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": BEN}, {"id": "i1", "email": ADA}, {"id": "i2", "email": CHEN})
    result = world.send()
    assert (result.sent, result.duplicates) == (2, 1)
    assert sorted(world.sent_to()) == [ADA, CHEN]
    assert world.send().sent == 0
    assert world.incidents()[0][0] == "report_rows_skipped"


def test_a_null_condition_sends_nothing_and_is_counted(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA, "amount": None}, {"id": "i2", "email": BEN})
    result = world.send()
    assert (result.sent, result.due, result.null_rows) == (1, 1, 1)


def test_who_unsubscribed_gets_nothing_and_who_resubscribed_within_the_window_does(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": "Ada@Example.com"}, {"id": "i2", "email": BEN})
    assert world.unsubscriptions.add("reminder", ADA, "recipient")
    assert world.unsubscriptions.add("another", BEN, "recipient")
    result = world.send()
    assert (result.sent, result.unsubscribed) == (1, 1)
    assert world.sent_to() == [BEN]
    assert world.unsubscriptions.remove("reminder", ADA, "ivo")
    assert world.send().sent == 1
    audited = world.sql("select actor, action, object from alerting.audit_log order by seq")
    assert ("recipient", "unsubscribe", f"report reminder: {ADA}") in [tuple(row.values()) for row in audited]


def test_a_report_without_unsubscribing_goes_to_everybody_and_has_no_link(world: ReportWorld) -> None:
    world.definition = report(unsubscribe="false")
    world.put({"id": "i1", "email": ADA})
    world.unsubscriptions.add("reminder", ADA, "recipient")
    assert world.send().sent == 1
    (row,) = world.sql("select message from ledger.outbox")
    assert row["message"]["letter"]["unsubscribe_url"] == ""


def test_rows_wait_for_their_recipients_hours(world: ReportWorld) -> None:
    world.definition = report(
        window="due_at",
        send_within={"from": "08:00", "to": "18:00", "timezone": "UTC", "timezone_column": "zone"},
    )
    world.put(
        {"id": "berlin", "email": ADA, "zone": "Europe/Berlin"},  # 10:30 there
        {"id": "new york", "email": BEN, "zone": "America/New_York"},  # 04:30 there
        {"id": "nowhere", "email": CHEN, "zone": None},
    )
    result = world.send()
    assert (result.sent, result.waiting, result.unknown_zones) == (2, 1, 1)
    assert result.status is WindowStatus.WAITING and not result.is_finished
    world.later(hours=4)  # 08:30 in New York
    result = world.send()
    assert (result.sent, result.waiting) == (1, 0)
    assert world.sent_to() == [ADA, CHEN, BEN]


def test_a_query_that_fails_fails_its_window_is_told_and_works_again(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA})
    world.sql("revoke select on marts.invoices from alert_reader")
    result = world.send()
    assert result.status is WindowStatus.FAILED
    assert [(alert, status) for alert, status, _ in world.incidents()] == [("report_failure", "open")]
    world.sql("grant select on marts.invoices to alert_reader")
    assert world.send().sent == 1
    assert [(alert, status) for alert, status, _ in world.incidents()] == [("report_failure", "resolved")]


def test_a_report_waits_for_a_mart_that_was_never_built_and_fails_over_one_that_is_gone(world: ReportWorld) -> None:
    world.sql("alter table marts.invoices rename to elsewhere")
    result = world.send()
    assert (result.status, result.reason) == (WindowStatus.HELD, "invoices is not built yet; `alerting run` builds it")
    assert world.incidents() == []
    world.sql("alter table marts.elsewhere rename to invoices")
    world.put({"id": "i1", "email": ADA})
    assert world.send().sent == 1
    world.sql("alter table marts.invoices rename to elsewhere")
    assert world.send().status is WindowStatus.FAILED
    assert [alert for alert, _, _ in world.incidents()] == ["report_failure"]


def test_a_condition_can_not_leave_the_sandbox(world: ReportWorld) -> None:
    world.definition = report(condition="amount > (select count(*) from pg_authid)", parameters={})
    world.put({"id": "i1", "email": ADA})
    result = world.send()
    assert result.status is WindowStatus.FAILED and "another relation" in result.reason
    assert world.sent_to() == []


def test_a_dry_run_and_a_preview_write_nothing(world: ReportWorld) -> None:
    from alerting_pipeline.usecases.send_reports import Wanted

    world.put({"id": "i1", "email": ADA}, {"id": "i2", "email": None})
    assert world.send(is_dry_run=True).sent == 1
    sender = world.sender()
    with sender.ledger.rehearse() as transaction:
        found = sender.preview(transaction, world.definition, world.now, Wanted(entity="i1"))
    assert [(each.due.recipient, each.letter.subject) for each in found.shown if each.letter] == [
        (ADA, "Invoice i1: $10")
    ]
    assert (found.result.sent, found.result.skipped) == (1, 1)
    assert world.messages() == world.incidents() == world.sent_to() == []


def test_a_preview_says_what_became_of_messages_that_were_written_before(world: ReportWorld) -> None:
    from alerting_pipeline.usecases.send_reports import Wanted

    world.put(*({"id": f"i{number}", "email": ADA} for number in range(4)))
    world.send()
    world.sql("update ledger.outbox set status = 'sent', sent_at = '2026-01-19T09:31:00Z' where sequence = 1")
    world.sql("update ledger.outbox set status = 'dead', error = 'refused' where sequence = 2")
    ended = "status = 'sent', sent_at = now(), receipt = '{\"unsubscribed\": \"the recipient unsubscribed\"}'"
    world.sql(f"update ledger.outbox set {ended} where sequence = 3")
    world.put(*({"id": f"i{number}", "email": ADA} for number in range(5)))
    sender = world.sender()
    with sender.ledger.rehearse() as transaction:
        found = sender.preview(transaction, world.definition, world.now, Wanted())
    assert (found.result.sent, found.result.known, found.result.due) == (1, 4, 5)
    said = sorted(f"{each.fate}: {each.reason}".partition(" since ")[0] for each in found.shown)
    assert said == [
        "known: could not be delivered: refused",
        "known: sent on 2026-01-19 09:31 UTC",
        "known: the recipient unsubscribed",
        "known: waits in the outbox",
        "queued: ",
    ]
    states = world.sql("select status, sent_at is null as is_unsent from alerting.report_messages order by 1")
    assert [(row["status"], row["is_unsent"]) for row in states] == [
        ("dead", True), ("sent", False), ("unsubscribed", True), ("waiting", True),
    ]  # fmt: skip


def test_a_parameter_that_people_changed_is_in_force(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA, "amount": 10}, {"id": "i2", "email": BEN, "amount": 30})
    world.sql("update ledger.parameter_values set value = '20' where alert = 'reminder'")
    world.send()
    assert world.sent_to() == [BEN]


def test_a_report_that_is_not_in_force_is_a_bad_call(world: ReportWorld) -> None:
    with pytest.raises(BadCall, match='did you mean "reminder"'):
        world.sender().send("remindr", world.now)


def test_nothing_of_a_row_leaves_the_warehouse_that_no_text_names(world: ReportWorld) -> None:
    world.put({"id": "i1", "email": ADA, "zone": "a secret", "link": "https://example.com/secret"})
    world.send()
    (row,) = world.sql("select message::text as message from ledger.outbox")
    assert "secret" not in row["message"]
