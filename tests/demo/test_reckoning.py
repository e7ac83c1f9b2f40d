"""The reckoning counts what was planted against what was alerted, each case once."""

from __future__ import annotations

from pathlib import Path

from alerting_pipeline.demo.labels import Label, read, to_lines
from alerting_pipeline.demo.reckoning import ROW_COLUMNS, Raised, reckon

LABELS = [
    Label("large_transaction", {"transaction_id": "1"}, "exception", "large"),
    Label("large_transaction", {"transaction_id": "2"}, "near_miss", "almost"),
    Label("over_daily_budget", {"team": "checkout", "day": "2026-01-16"}, "exception", "over"),
]


def incident(alert: str, **entity: str) -> Raised:
    return Raised(alert, entity, frozenset({"#risk"}))


def test_each_exception_once_and_nothing_else_is_perfect() -> None:
    found = reckon(
        LABELS,
        [
            incident("large_transaction", transaction_id="1"),
            incident("over_daily_budget", day="2026-01-16", team="checkout"),
        ],
    )
    assert found.is_perfect
    assert found.rows()[-1] == ("all", 2, 2, 0, 0, 0, 1, 0, 0)


def test_the_order_of_an_entitys_columns_does_not_matter() -> None:
    found = reckon(LABELS[2:], [incident("over_daily_budget", day="2026-01-16", team="checkout")])
    assert [case.entity for case in found.alerted_once] == ["2026-01-16, checkout"]


def test_an_exception_told_to_others_than_it_should_went_astray() -> None:
    label = Label("large_transaction", {"transaction_id": "1"}, "exception", "large", to=("#risk", "risk-mail"))
    found = reckon([label], [incident("large_transaction", transaction_id="1")])
    assert [case.why for case in found.astray] == ["large; #risk, risk-mail must hear of it, and #risk did"]
    assert found.alerted_once == ()
    assert not found.is_perfect


def test_one_destination_too_many_is_astray_as_well() -> None:
    label = Label("large_transaction", {"transaction_id": "1"}, "exception", "large", to=("#risk",))
    both = Raised("large_transaction", {"transaction_id": "1"}, frozenset({"#risk", "#everybody"}))
    assert not reckon([label], [both]).is_perfect
    assert reckon([label], [incident("large_transaction", transaction_id="1")]).is_perfect


def test_a_missed_exception_is_named_with_its_reason() -> None:
    found = reckon(LABELS, [incident("large_transaction", transaction_id="1")])
    assert [(case.alert, case.why) for case in found.missed] == [("over_daily_budget", "over")]
    assert not found.is_perfect


def test_a_repeated_incident_is_not_alerted_once() -> None:
    found = reckon(LABELS[:1], [incident("large_transaction", transaction_id="1")] * 2)
    assert (len(found.repeated), len(found.alerted_once)) == (1, 0)
    assert not found.is_perfect


def test_a_fired_near_miss_and_an_unplanted_incident_are_told_apart() -> None:
    found = reckon(LABELS[:2], [incident("large_transaction", transaction_id=number) for number in "123"])
    assert [case.entity for case in found.near_misses_fired] == ["2"]
    assert [case.entity for case in found.false] == ["3"]
    assert not found.is_perfect


def test_alerts_that_nothing_was_planted_for_are_left_out() -> None:
    assert reckon(
        LABELS[:1], [incident("run_failed", run="1"), incident("large_transaction", transaction_id="1")]
    ).is_perfect


def test_rows_have_a_line_per_alert_and_a_total() -> None:
    found = reckon(LABELS, [])
    assert [row[0] for row in found.rows()] == ["large_transaction", "over_daily_budget", "all"]
    assert all(len(row) == len(ROW_COLUMNS) for row in found.rows())
    assert found.as_dict()["is_perfect"] is False


def test_labels_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(to_lines(LABELS))
    assert read(path) == LABELS
