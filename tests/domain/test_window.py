"""Windows of schedules: none missed, none twice, through changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerting_pipeline.domain.window import windows_between

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_weekly_window_is_due_at_its_local_hour():
    (window,) = windows_between("0 9 * * 1", "Europe/Berlin", MONDAY, MONDAY + timedelta(days=7))
    assert window == datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_the_window_that_was_done_is_not_due_again_and_the_present_one_is():
    nine = MONDAY + timedelta(hours=9)
    assert windows_between("0 * * * *", "UTC", nine, nine) == []
    assert windows_between("0 * * * *", "UTC", nine - timedelta(seconds=1), nine) == [nine]


def test_an_outage_of_three_hours_owes_three_hourly_windows():
    ten = MONDAY + timedelta(hours=10)
    assert windows_between("0 * * * *", "UTC", ten - timedelta(hours=3), ten) == [
        ten - timedelta(hours=hours) for hours in (2, 1, 0)
    ]


def test_a_long_outage_is_made_up_for_in_shares():
    year = MONDAY + timedelta(days=365)
    share = windows_between("0 * * * *", "UTC", MONDAY, year, most=10)
    assert len(share) == 10
    assert windows_between("0 * * * *", "UTC", share[-1], year, most=1) == [share[-1] + timedelta(hours=1)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_daily_window_comes_once_on_every_local_day_of_a_year(zone: str, hour: int):
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime(2027, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
    windows = windows_between(f"30 {hour} * * *", zone, start, end, most=1000)
    days = [window.astimezone(ZoneInfo(zone)).date() for window in windows]
    assert len(days) == len(set(days)) == 365
