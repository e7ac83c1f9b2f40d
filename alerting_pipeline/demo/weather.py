"""What a public weather service would publish twice a day, and the day on which it stopped.

The last forecast names storms for today. It is older than a forecast may be, so nobody is told to expect delays by it:
the data team is told instead that the feed stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.calendar import AS_OF, day_before, past_days
from alerting_pipeline.demo.labels import Label
from alerting_pipeline.demo.landing import as_csv

COLUMNS = ("forecast_id", "region", "issued_at", "valid_from", "valid_until", "wind_kmh", "precipitation_mm")
LAST_ISSUE = datetime.combine(day_before(3), time(18), UTC)
"""Two and a half days before AS_OF, where eighteen hours are allowed."""

_STORY_DAYS = 4  # the day on which the feed stopped is in it
_REGIONS = ("north", "south", "east", "west", "islands")
_ISSUES = (time(6), time(18))
_SLOT = timedelta(hours=6)
_SLOTS = 16
_STORMS = {"north": 96, "islands": 118, "west": 81}  # km/h, today around noon, by the last forecast


def files(days: int, seed: int, truth: list[Label]) -> Iterator[tuple[str, str, bytes, int]]:
    """A file for each forecast; the labels of the story go to `truth`."""
    truth += labels()
    for day in past_days(days)[-max(days, _STORY_DAYS) :]:
        for issued_at in issues(day):
            rows = list(forecast(seed, issued_at))
            yield "weather_forecasts", f"{issued_at:%Y-%m-%dT%H}.csv", as_csv(COLUMNS, rows), len(rows)


def labels() -> list[Label]:
    """The feed that stands still, and the storms that nobody may be told of by it."""
    stale = Label(
        "weather_forecasts_fresh",
        {"model": "stg_weather_forecasts"},
        "exception",
        "no forecast has come for two and a half days",
        ("#data-team", "data-team-mail", "@goran"),
    )
    why = "held: the forecast that names the storm is too old to be believed"
    today = AS_OF.date().isoformat()
    return [stale, *(Label("weather_delay_expected", {"region": r, "day": today}, "near_miss", why) for r in _STORMS)]


def issues(day: date) -> list[datetime]:
    """When forecasts were published on a day: not any more after the last one."""
    both = (datetime.combine(day, clock, UTC) for clock in _ISSUES)
    return [issued_at for issued_at in both if issued_at <= LAST_ISSUE]


def forecast(seed: int, issued_at: datetime) -> Iterator[tuple[object, ...]]:
    """One forecast for all regions, as COLUMNS name it: four days in slots of six hours."""
    dice = Random(f"{seed}:weather:{issued_at}")  # noqa: S311  (a story, not a secret)
    for region in _REGIONS:
        for slot in range(_SLOTS):
            begin = issued_at + slot * _SLOT
            wind = int(10 + 40 * dice.random())
            if issued_at == LAST_ISSUE and region in _STORMS and begin == datetime.combine(AS_OF.date(), time(12), UTC):
                wind = _STORMS[region]
            yield (
                f"{region}-{issued_at:%Y%m%d%H}-{slot:02}",
                region,
                issued_at.isoformat(),
                begin.isoformat(),
                (begin + _SLOT).isoformat(),
                wind,
                round(8 * dice.random() ** 3, 1),
            )
