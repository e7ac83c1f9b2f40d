"""What the sensors of the cold rooms report, with the rooms that are too warm and those that only look so.

Every room is read each twenty minutes. An ordinary room stays well below its limit; the last hours before AS_OF, in the
rooms of the story, decide what fires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from alerting_pipeline.demo.calendar import AS_OF, past_days
from alerting_pipeline.demo.labels import Kind, Label
from alerting_pipeline.demo.landing import as_json_lines

EVERY = timedelta(minutes=20)
_STORY_DAYS = 2  # no case reaches back further
BROKEN = -999.0
"""What this make of sensor reports when its probe is torn off."""

_ALERT = "cold_room_too_warm"
_TO = ("#logistics",)
_USUAL = {"chilled": 4.0, "frozen": -20.0}


@dataclass(frozen=True, slots=True)
class Room:
    """One cold room. `story` maps minutes before AS_OF, as a range, to what its sensor reports in it.

    A reported value None is a reading without a temperature, "NaN" is what some gateways write for one.
    """

    room_id: str
    name: str
    kind: str
    story: Mapping[tuple[int, int], float | str | None]
    label: tuple[Kind, str] | None = None

    def reported(self, measured_at: datetime, dice: Random) -> float | str | None:
        """The temperature in °C as it is reported for that instant."""
        ordinary = round(_USUAL[self.kind] + 1.5 * dice.random(), 1)
        ago = int((AS_OF - measured_at) / timedelta(minutes=1))
        return next((value for (since, until), value in self.story.items() if until <= ago < since), ordinary)


_DAY = 24 * 60
ROOMS = (
    Room("CR-01", "Dairy", "chilled", {}),
    Room("CR-02", "Vegetables", "chilled", {(40, 20): 15.2}, ("near_miss", "a door stood open for a moment")),
    Room("CR-03", "Meat", "chilled", {(85, 0): 8.4}, ("exception", "a little too warm for over an hour")),
    Room("CR-04", "Cheese", "chilled", {(200, 0): 8.0}, ("near_miss", "exactly at its limit")),
    Room("CR-05", "Flowers", "chilled", {(100, 0): BROKEN}, ("near_miss", "the probe is torn off: data, not warmth")),
    Room("CR-06", "Juice", "chilled", {(100, 0): None}, ("near_miss", "readings without a temperature")),
    Room("CR-07", "Ice cream", "frozen", {(190, 0): -12.5}, ("exception", "a freezer that thaws for three hours")),
    Room("CR-08", "Bread dough", "frozen", {(180, 40): -9.0}, ("near_miss", "defrosted, and frozen again since")),
    Room("CR-09", "Fish", "chilled", {(6 * 60, 0): 14.3}, ("exception", "the cooling failed in the night")),
    Room("CR-10", "Medicines", "chilled", {(60, 40): "NaN"}, ("near_miss", "one reading is no number")),
    Room("CR-11", "Fruit", "chilled", {(_DAY, _DAY - 180): 12.0}, ("near_miss", "too warm yesterday, cold since")),
    Room("CR-12", "Ready meals", "chilled", {(45, 0): 11.0}, ("near_miss", "warm for less than an hour yet")),
)


def files(days: int, seed: int, truth: list[Label]) -> Iterator[tuple[str, str, bytes, int]]:
    """A file of readings for each day, the last one up to AS_OF; the labels of the story go to `truth`."""
    truth += labels()
    for day in (*past_days(days)[-max(days, _STORY_DAYS) :], AS_OF.date()):
        rows = list(readings(seed, day))
        yield "storage_readings", f"{day}.jsonl", as_json_lines(rows), len(rows)


def labels() -> list[Label]:
    """The rooms of the story."""
    return [
        Label(_ALERT, {"room_id": room.room_id}, room.label[0], room.label[1], _TO)
        for room in ROOMS
        if room.label is not None
    ]


def readings(seed: int, day: date) -> Iterator[dict[str, Any]]:
    """All readings of one day up to AS_OF, in the order of time."""
    dice = Random(f"{seed}:cold rooms:{day}")  # noqa: S311  (a story, not a secret)
    midnight = datetime.combine(day, time(), UTC)
    for slot in range(timedelta(days=1) // EVERY):
        measured_at = midnight + slot * EVERY
        for room in ROOMS:
            temperature = room.reported(measured_at, dice)
            if measured_at < AS_OF:
                yield {
                    "reading_id": f"{room.room_id}-{measured_at:%Y%m%d%H%M}",
                    "room_id": room.room_id,
                    "room": room.name,
                    "kind": room.kind,
                    "measured_at": measured_at.isoformat(),
                    "temperature_c": temperature,
                }
