"""Visitors who sign in at the reception of a location, a day at a time, as the iPads report them.

At an ordinary location the usual number comes on each working day, or one more, so that no week is ever far below
another. An iPad that is offline reports later: a visit stands in the file of the day on which it was reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.accounts import Location
from alerting_pipeline.demo.calendar import AS_OF

_REPORTED_LATE = 0.02
_DEVICES = ("ipad", "ipad", "ipad", "passport")


@dataclass(frozen=True, slots=True)
class Visit:
    """One sign-in and the days in whose files it is reported (an iPad may send it again)."""

    visit_id: str
    location_id: str
    signed_in_at: datetime
    is_host_notified: bool
    device: str
    reported_on: tuple[date, ...]

    def reports(self) -> Iterator[tuple[date, dict[str, object]]]:
        """Each report of it up to now, with the day in whose file it stands."""
        for day in self.reported_on:
            if day < AS_OF.date():
                yield (
                    day,
                    {
                        "visit_id": self.visit_id,
                        "location_id": self.location_id,
                        "signed_in_at": self.signed_in_at.isoformat(),
                        "is_host_notified": self.is_host_notified,
                        "device": self.device,
                    },
                )


def ordinary_visits(seed: int, day: date, locations: Sequence[Location]) -> Iterator[Visit]:
    """The visits of one day at ordinary locations; none at the weekend."""
    if day.weekday() >= 5:
        return
    dice = Random(f"{seed}:visits:{day}")  # noqa: S311  (a story, not a secret)
    for location in locations:
        if day < location.opened_on:
            continue
        for serial in range(location.usual + (dice.random() < 0.4)):
            is_late = dice.random() < _REPORTED_LATE
            yield visit(
                location.location_id,
                day,
                serial,
                minute=int(480 * dice.random()),
                is_host_notified=dice.random() < 0.97,
                reported_on=(day + timedelta(days=1),) if is_late else (day,),
            )


def visit(
    location_id: str, day: date, serial: int, *, minute: int, is_host_notified: bool, reported_on: tuple[date, ...]
) -> Visit:
    """One visit, so many minutes after nine."""
    signed_in_at = datetime.combine(day, time(9), UTC) + timedelta(minutes=minute)
    device = _DEVICES[(serial + day.day) % len(_DEVICES)]
    return Visit(
        f"V-{location_id}-{day:%y%m%d}-{serial:02}", location_id, signed_in_at, is_host_notified, device, reported_on
    )
