"""Working time: hours, holidays and changes of the clocks; counted in real time, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from alerting_pipeline.domain.people import Team
from alerting_pipeline.domain.working_hours import WorkingHours
from tests.domain.test_rota import INSTANTS, ZONES

LENGTHS = st.timedeltas(timedelta(0), timedelta(hours=60))


def working(**team: Any) -> WorkingHours:
    return WorkingHours.of(Team.model_validate(team))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


BERLIN = {"hours": {"from": "09:00", "to": "17:00", "timezone": "Europe/Berlin"}, "holidays": ["2026-05-01"]}


def test_a_team_works_in_its_hours_and_not_on_its_holidays() -> None:
    hours = working(**BERLIN)
    assert hours.is_open(at("2026-04-30T09:00:00+02:00"))
    assert not hours.is_open(at("2026-04-30T17:00:00+02:00"))
    assert not hours.is_open(at("2026-05-01T12:00:00+02:00"))  # a Friday
    assert hours.next_open(at("2026-04-30T17:00:00+02:00")) == at("2026-05-04T09:00:00+02:00")
    assert hours.next_open(at("2026-04-30T10:30:00+02:00")) == at("2026-04-30T10:30:00+02:00")


def test_working_time_is_added_over_evenings_weekends_and_holidays() -> None:
    hours = working(**BERLIN)
    assert hours.add_open_time(at("2026-04-30T16:00:00+02:00"), timedelta(hours=2)) == at("2026-05-04T10:00:00+02:00")
    assert hours.add_open_time(at("2026-04-30T16:00:00+02:00"), timedelta(hours=1)) == at("2026-04-30T17:00:00+02:00")
    assert hours.add_open_time(at("2026-05-02T16:00:00+02:00"), timedelta(0)) == at("2026-05-04T09:00:00+02:00")


def test_the_hour_that_the_clocks_skip_is_not_worked() -> None:
    night = working(hours={"days": "sun", "from": "00:00", "to": "06:00", "timezone": "Europe/Berlin"})
    spring, autumn = at("2026-03-29T00:00:00+01:00"), at("2026-10-25T00:00:00+02:00")
    assert night.open_time_between(spring, spring + timedelta(days=1)) == timedelta(hours=5)
    assert night.open_time_between(autumn, autumn + timedelta(days=1)) == timedelta(hours=7)
    half = working(hours={"days": "sun", "from": "00:00", "to": "06:00", "timezone": "Australia/Lord_Howe"})
    spring = at("2026-10-04T00:00:00+10:30")
    assert half.open_time_between(spring, spring + timedelta(days=1)) == timedelta(hours=5, minutes=30)


def test_without_hours_a_team_works_around_the_clock_holidays_apart() -> None:
    hours = working(holidays=["2026-05-01"])
    assert hours.is_open(at("2026-05-02T03:00:00+00:00")) and not hours.is_open(at("2026-05-01T03:00:00+00:00"))
    assert WorkingHours.of(None).add_open_time(at("2026-05-01T03:00:00+00:00"), timedelta(hours=30)) == at(
        "2026-05-02T09:00:00+00:00"
    )


@st.composite
def teams(draw: st.DrawFn) -> WorkingHours:
    begin = draw(st.integers(0, 46))
    end = draw(st.integers(begin + 1, 48))
    days = draw(st.lists(st.sampled_from(("mon", "tue", "wed", "sat", "sun")), min_size=1, unique=True))
    clock = [f"{half // 2:02}:{half % 2 * 30:02}" for half in (begin, end)]
    hours = {"days": days, "from": clock[0], "to": clock[1], "timezone": draw(st.sampled_from(ZONES))}
    holidays = draw(st.lists(st.dates(date(2026, 3, 1), date(2026, 11, 1)), max_size=5))
    return working(hours=hours, holidays=[str(day) for day in holidays])


@given(teams(), INSTANTS, LENGTHS, LENGTHS)
def test_adding_working_time_never_goes_back_and_adds_up(
    team: WorkingHours, since: datetime, first: timedelta, second: timedelta
) -> None:
    shorter, longer = sorted((first, second))
    assert since <= team.add_open_time(since, shorter) <= team.add_open_time(since, longer)
    assert team.add_open_time(since, shorter) <= team.add_open_time(since + second, shorter)
    reached = team.add_open_time(since, first)
    assert team.open_time_between(since, reached) == first
    assume(second)
    assert team.add_open_time(reached, second) == team.add_open_time(since, first + second)


@given(teams(), INSTANTS)
def test_it_is_open_exactly_where_the_next_opening_is_now(team: WorkingHours, since: datetime) -> None:
    opening = team.next_open(since)
    assert opening >= since and team.is_open(opening) and team.next_open(opening) == opening
    assert team.open_time_between(since, opening) == timedelta(0)
    assert team.is_open(since) == (opening == since)


@given(teams(), INSTANTS)
def test_away_from_changes_of_the_clocks_open_is_what_the_hours_say(team: WorkingHours, since: datetime) -> None:
    day = since.astimezone(ZoneInfo(team.hours.timezone))
    assume(all((day + timedelta(hours=hours)).utcoffset() == day.utcoffset() for hours in (-24, 24)))
    assert team.is_open(since) == (team.hours.include(since) and day.date() not in team.holidays)
