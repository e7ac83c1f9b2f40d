"""Clocks are changed, twice a year and by half an hour in one place: nothing is due twice, nothing is left out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerting_pipeline.domain.window import latest_window, windows_between
from tests.soak.promise import Measured, Promise, shows

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Adelaide", "Australia/Lord_Howe")
"""Adelaide is half an hour beside the others; Lord Howe changes its clocks by half an hour."""
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
DAILY = [f"{minute} {hour} * * *" for hour in range(24) for minute in (0, 15, 30, 45)]
PROMISE = Promise(
    "time",
    "a schedule comes once a local day, whatever the clocks do; a local day is [midnight, next midnight)",
    f"a year with its two changes in {', '.join(ZONES)}: 96 daily schedules, ticks every 7 minutes",
)


def _changes(zone: str) -> list[date]:
    """The local days that are not 24 hours long."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    return [day for day in days if _midnight(day + timedelta(days=1), zone) - _midnight(day, zone) != timedelta(days=1)]


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_each_zone_changes_its_clocks_twice(zone: str) -> None:
    assert len(_changes(zone)) == 2


@shows(PROMISE)
def test_a_daily_schedule_comes_once_on_every_local_day(measured: Measured) -> None:
    windows = 0
    for zone in ZONES:
        for cron in DAILY:
            found = windows_between(cron, zone, YEAR[0], YEAR[1], most=1_000)
            days = Counter(instant.astimezone(ZoneInfo(zone)).date() for instant in found)
            whole = {day: n for day, n in days.items() if YEAR[0] < _midnight(day, zone) < YEAR[1] - timedelta(days=1)}
            assert set(whole.values()) == {1}, (zone, cron)
            assert len(whole) >= 363
            windows += len(found)
    measured.says(f"{len(ZONES)} zones, 8 changes, {windows:,} windows: 0 missed, 0 double")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["30 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "0 3 * * *", "0 0 * * *"])
def test_what_each_tick_adds_is_what_one_look_at_the_end_finds(zone: str, cron: str) -> None:
    """Alerts count from the last window, reports take the latest one: both come to every window, once."""
    for change in _changes(zone):
        begin, end = _midnight(change, zone) - timedelta(days=2), _midnight(change, zone) + timedelta(days=3)
        wanted = windows_between(cron, zone, begin, end)
        counted: list[datetime] = []
        current: list[datetime] = []
        now = begin
        while now <= end:
            counted += windows_between(cron, zone, counted[-1] if counted else begin, now)
            latest = latest_window(cron, zone, now)
            if latest is not None and latest > begin and latest not in current:
                current.append(latest)
            now += timedelta(minutes=7)
        missing = [each for each in wanted if each <= now - timedelta(minutes=7)]
        assert counted == missing
        assert current == missing


@pytest.mark.parametrize("zone", ZONES)
def test_schedules_of_hours_and_minutes_go_on_through_a_change(zone: str) -> None:
    for change in _changes(zone):
        begin = _midnight(change, zone)
        found = windows_between("*/15 * * * *", zone, begin, begin + timedelta(days=1), most=1_000)
        assert found == [begin + timedelta(minutes=15 * number) for number in range(1, 97)]
