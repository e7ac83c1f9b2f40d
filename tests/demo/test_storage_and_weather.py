"""The cold rooms and the weather: what is planted is in the files, and ordinary rooms are nowhere near an alert."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from alerting_pipeline.demo import cold_rooms, weather
from alerting_pipeline.demo.calendar import AS_OF, day_before

LIMITS = {"chilled": 8.0, "frozen": -15.0}


@pytest.fixture(scope="module")
def readings() -> list[dict[str, Any]]:
    return [row for ago in (1, 0) for row in cold_rooms.readings(7, day_before(ago))]


def usable(value: object) -> bool:
    return isinstance(value, float) and value != cold_rooms.BROKEN


def test_only_the_planted_rooms_were_too_warm_for_a_whole_hour(readings: list[dict[str, Any]]) -> None:
    since = (AS_OF - timedelta(minutes=20) - timedelta(hours=1)).isoformat()
    last_hour: dict[str, list[float]] = defaultdict(list)
    kinds = {row["room_id"]: row["kind"] for row in readings}
    for row in readings:
        if row["measured_at"] > since and usable(row["temperature_c"]):
            last_hour[row["room_id"]].append(row["temperature_c"])
    warm = {room for room, values in last_hour.items() if len(values) > 1 and min(values) > LIMITS[kinds[room]]}
    assert warm == {label.entity["room_id"] for label in cold_rooms.labels() if label.kind == "exception"}


def test_sensors_that_report_no_temperature_do_so_in_each_of_the_ways_there_are(
    readings: list[dict[str, Any]],
) -> None:
    assert {None, "NaN", cold_rooms.BROKEN} <= {row["temperature_c"] for row in readings}


def test_nothing_is_measured_after_now_and_no_reading_twice(readings: list[dict[str, Any]]) -> None:
    assert max(row["measured_at"] for row in readings) < AS_OF.isoformat()
    assert len({row["reading_id"] for row in readings}) == len(readings)


def test_the_feed_stops_after_a_forecast_that_names_storms_for_today() -> None:
    assert weather.issues(day_before(2)) == []
    assert weather.issues(day_before(3))[-1] == weather.LAST_ISSUE
    rows = [dict(zip(weather.COLUMNS, row, strict=True)) for row in weather.forecast(7, weather.LAST_ISSUE)]
    stormy = {row["region"] for row in rows if float(str(row["wind_kmh"])) >= 75}
    near_misses = {label.entity["region"] for label in weather.labels() if label.kind == "near_miss"}
    assert stormy == near_misses
    assert not any(float(str(row[5])) >= 75 for row in weather.forecast(7, weather.LAST_ISSUE - timedelta(hours=12)))
