"""What becomes of a report's rows: hours of their recipients around the world, and windows of the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from alerting_pipeline.domain.letter import (
    DueLetter,
    Fate,
    has_unknown_zone,
    is_address,
    is_within,
    judged_before_rendering,
)
from alerting_pipeline.domain.report import ReportDefinition, SendWithin
from alerting_pipeline.domain.window import latest_window, windows_between

HOURS = SendWithin.model_validate({"from": "08:00", "to": "18:00", "timezone": "UTC", "timezone_column": "zone"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "first", "after_last"),
    [
        ("Europe/Helsinki", "2026-01-19T06:00", "2026-01-19T16:00"),
        ("Asia/Kolkata", "2026-01-19T02:30", "2026-01-19T12:30"),  # half an hour off
        ("Asia/Kathmandu", "2026-01-19T02:15", "2026-01-19T12:15"),  # three quarters
        ("America/Los_Angeles", "2026-01-19T16:00", "2026-01-20T02:00"),  # over UTC's midnight
        ("Pacific/Kiritimati", "2026-01-18T18:00", "2026-01-19T04:00"),  # begins on UTC's Sunday
        ("Europe/Berlin", "2026-03-30T06:00", "2026-03-30T16:00"),  # the day after the clocks went forward
        ("Europe/Berlin", "2026-10-26T07:00", "2026-10-26T17:00"),  # the day after they went back
        ("America/New_York", "2026-03-09T12:00", "2026-03-09T22:00"),
        ("Australia/Lord_Howe", "2026-04-06T21:30", "2026-04-07T07:30"),  # changes by half an hour
    ],
)
def test_hours_are_those_of_the_recipient(zone: str, first: str, after_last: str) -> None:
    minute = timedelta(minutes=1)
    assert is_within(HOURS, zone, at(first))
    assert not is_within(HOURS, zone, at(first) - minute)
    assert is_within(HOURS, zone, at(after_last) - minute)
    assert not is_within(HOURS, zone, at(after_last))


def test_each_working_day_has_ten_hours_also_around_the_changes_of_the_clocks() -> None:
    for start in ("2026-03-26T00:00", "2026-10-22T00:00"):
        quarters = [at(start) + timedelta(minutes=15 * number) for number in range(8 * 96)]
        open_quarters = [each for each in quarters if is_within(HOURS, "Europe/Berlin", each)]
        assert len(open_quarters) % 40 == 0 and open_quarters


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../etc/passwd", "europe/berlin\0", "CET CET"])
def test_a_missing_or_unknown_zone_is_taken_for_the_declared_one(zone: str | None) -> None:
    assert has_unknown_zone(HOURS, zone)
    assert is_within(HOURS, zone, at("2026-01-19T08:00"))
    assert not is_within(HOURS, zone, at("2026-01-19T07:59"))


def test_without_a_column_everybody_lives_in_the_declared_zone() -> None:
    hours = SendWithin.model_validate({"from": "08:00", "to": "18:00", "timezone": "Asia/Tokyo"})
    assert is_within(hours, "Europe/Berlin", at("2026-01-19T00:00")) and not has_unknown_zone(hours, None)


@pytest.mark.parametrize("good", ["ada@example.com", "a.b+c@sub.example.co", "o'brien@example.com"])
def test_an_address_that_mail_can_be_sent_to(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "a@example.com, b@example.com", "Ada <a@example.com>",
     "a@example.com\r\nBcc: b@example.com", "ä@example.com", "a@exa..mple.com", f"{'a' * 60}@{'b' * 200}.com"],
)  # fmt: skip
def test_what_is_no_single_plain_address_is_none(bad: str) -> None:
    assert not is_address(bad)


def test_unsubscribing_and_a_bad_address_come_before_the_hours() -> None:
    definition = _report(send_within={"from": "08:00", "to": "18:00"})
    night = at("2026-01-19T03:00")
    fates = [
        judged_before_rendering(definition, _due(**given), night)
        for given in ({"recipient": None}, {"is_unsubscribed": True}, {})
    ]
    assert [each.fate for each in fates if each] == [Fate.SKIPPED, Fate.UNSUBSCRIBED, Fate.WAITING]
    assert judged_before_rendering(definition, _due(), at("2026-01-19T10:00")) is None


@pytest.mark.parametrize("cron", ["0 * * * *", "30 2 * * *", "0 8 * * 1", "*/20 1-3 * * *"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("start", ["2026-03-20T00:00", "2026-10-20T00:00", "2026-03-03T00:00"])
def test_the_current_window_is_the_last_of_those_that_came(cron: str, zone: str, start: str) -> None:
    begin = at(start)
    windows = windows_between(cron, zone, begin, begin + timedelta(days=16), most=2000)
    for earlier, later in pairwise(windows):
        assert latest_window(cron, zone, earlier) == earlier
        assert latest_window(cron, zone, later - timedelta(seconds=1)) == earlier


def test_a_schedule_that_has_not_come_for_years_has_no_current_window() -> None:
    assert latest_window("0 0 29 2 *", "UTC", at("2027-01-01T00:00")) == at("2024-02-29T00:00")


def _report(**changes: Any) -> ReportDefinition:
    values = {
        "report": "r", "model": "m", "entity": "id", "owner": "o", "to_column": "email", "subject": "s",
        "template": "r.html", "trigger": {"cron": "0 * * * *"}, **changes,
    }  # fmt: skip
    return ReportDefinition.model_validate(values)


def _due(**changes: Any) -> DueLetter:
    values: dict[str, Any] = {
        "fingerprint": UUID(int=1), "entity": {"id": "1"}, "window": "w", "recipient": "ada@example.com",
        "zone": None, "record": {}, **changes,
    }  # fmt: skip
    return DueLetter(**values)
