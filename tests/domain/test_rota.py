"""Who is on call: by week, by override, by who is away; at every instant one person, or a gap that says why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerting_pipeline.domain.hours import WEEKDAYS
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.rota import on_call, shifts

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
"""Two that change their clocks by an hour, one by half an hour, and one of half-hour offset that never does."""


def company(people: dict[str, Any] | None = None, **rota: Any) -> People:
    everybody: dict[str, Any] = {name: {} for name in ("ada", "ben", "chen", "dina")}
    team = {"rota": {"starts": "2026-01-05", "weekly": ["ada", "ben", "chen"], **rota}}
    return People.model_validate({"people": {**everybody, **(people or {})}, "teams": {"ops": team}})


def who(people: People, at: str) -> str | None:
    return on_call(people, "ops", datetime.fromisoformat(at)).person


def test_each_week_is_somebody_elses() -> None:
    people = company()
    mondays = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2025-12-29"]
    assert [who(people, f"{day}T00:00:00+00:00") for day in mondays] == ["ada", "ben", "chen", "ada", "chen"]
    shift = on_call(people, "ops", datetime(2026, 1, 14, 3, tzinfo=UTC))
    assert (shift.since, shift.until) == (datetime(2026, 1, 12, tzinfo=UTC), datetime(2026, 1, 19, tzinfo=UTC))
    assert shift.why == "the week of ben"


def test_the_hand_over_is_by_the_clock_of_its_zone() -> None:
    people = company(hand_over="wed 09:00", timezone="Europe/Berlin")
    assert who(people, "2026-01-07T07:59:59+00:00") == "chen"
    assert who(people, "2026-01-07T08:00:00+00:00") == "ada"
    summer = on_call(people, "ops", datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert summer.since == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_an_override_is_somebody_elses_turn_and_its_last_day_counts() -> None:
    people = company(overrides=[{"from": "2026-01-07", "to": "2026-01-08", "person": "dina"}])
    days = {day: who(people, f"2026-01-0{day}T12:00:00+00:00") for day in (6, 7, 8, 9)}
    assert days == {6: "ada", 7: "dina", 8: "dina", 9: "ada"}
    hour = {"from": "2026-01-07T18:00:00+01:00", "to": "2026-01-07T20:00:00+01:00", "person": "dina"}
    people = company(overrides=[hour])
    times = ("16:59", "17:00", "18:59", "19:00")
    assert [who(people, f"2026-01-07T{time}:00+00:00") for time in times] == ["ada", "dina", "dina", "ada"]


def test_whoever_is_away_is_stood_in_for_by_the_substitute_then_by_the_next() -> None:
    away = {"from": "2026-01-06", "to": "2026-01-07"}
    people = company({"ada": {"absences": [{**away, "substitute": "dina"}]}})
    shift = on_call(people, "ops", datetime(2026, 1, 6, 5, tzinfo=UTC))
    assert shift.person == "dina"
    assert shift.why == "the week of ada; ada is away until 2026-01-07, dina stands in"
    assert (shift.since, shift.until) == (datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC))
    people = company({"ada": {"absences": [{**away, "substitute": "dina"}]}, "dina": {"absences": [away]}})
    assert who(people, "2026-01-06T05:00:00+00:00") == "ben"
    people = company({"ada": {"absences": [away]}, "ben": {"left": "2026-01-07"}})
    assert who(people, "2026-01-06T05:00:00+00:00") == "ben"
    assert who(people, "2026-01-07T05:00:00+00:00") == "chen"


def test_a_gap_says_why_and_until_when() -> None:
    away = {"absences": [{"from": "2026-01-06", "to": "2026-01-07"}]}
    shift = on_call(company(dict.fromkeys(("ada", "ben", "chen"), away)), "ops", datetime(2026, 1, 6, tzinfo=UTC))
    assert shift.person is None
    assert shift.until == datetime(2026, 1, 8, tzinfo=UTC)
    assert shift.why == "the week of ada; ada is away until 2026-01-07, and nobody else of the rota is there"


def test_substitutes_who_stand_in_for_each_other_are_no_endless_walk() -> None:
    days = {"from": "2026-01-06", "to": "2026-01-07"}
    people = company(
        {"ada": {"absences": [{**days, "substitute": "dina"}]}, "dina": {"absences": [{**days, "substitute": "ada"}]}}
    )
    assert who(people, "2026-01-06T12:00:00+00:00") == "ben"


def test_a_team_without_a_rota_has_a_shift_of_no_length() -> None:
    people = People.model_validate({"teams": {"ops": {}}})
    shift = on_call(people, "ops", datetime(2026, 1, 6, tzinfo=UTC))
    assert (shift.person, shift.since, shift.why) == (None, shift.until, "ops has no rota")
    assert list(shifts(people, "ops", datetime(2026, 1, 6, tzinfo=UTC), datetime(2027, 1, 6, tzinfo=UTC))) == []


@pytest.mark.parametrize(
    ("rota", "sentence"),
    [
        ({"hand_over": "monday 09:00"}, "is not a time of hand-over"),
        ({"hand_over": "mon 25:00"}, "is not a time of day"),
        ({"weekly": []}, "weekly"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"overrides": [{"from": "2026-01-08", "to": "2026-01-07", "person": "ada"}]}, "swap the two"),
    ],
)
def test_a_rota_that_makes_no_sense_is_refused(rota: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        company(**rota)


def test_people_survive_the_ledger() -> None:
    people = company(
        {"ada": {"left": "2026-03-01", "absences": [{"from": "2026-01-06", "to": "2026-01-07", "substitute": "ben"}]}},
        hand_over="tue 09:30",
        timezone="Australia/Lord_Howe",
        overrides=[
            {"from": "2026-01-06", "to": "2026-01-07", "person": "dina"},
            {"from": "2026-01-09T08:00:00+01:00", "to": "2026-01-09T18:00:00+01:00", "person": "dina"},
        ],
    )
    assert People.model_validate(people.model_dump(mode="json", by_alias=True)) == people


SECONDS = st.integers(0, 245 * 86_400)  # from March to the end of October
INSTANTS = SECONDS.map(lambda seconds: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds))
DAYS = st.dates(date(2026, 2, 20), date(2026, 11, 10))
NAMES = ("ada", "ben", "chen", "dina")


@st.composite
def rotas(draw: st.DrawFn) -> People:
    def period(longest: int) -> dict[str, str]:
        first = draw(DAYS)
        return {"from": str(first), "to": str(first + timedelta(days=draw(st.integers(0, longest))))}

    def absences() -> list[dict[str, Any]]:
        count = draw(st.integers(0, 2))
        return [{**period(20), "substitute": draw(st.sampled_from((None, *NAMES)))} for _ in range(count)]

    people = {name: {"absences": absences(), "left": draw(st.none() | DAYS)} for name in NAMES}
    day, hour, minute = draw(st.sampled_from(WEEKDAYS)), draw(st.integers(0, 23)), draw(st.sampled_from((0, 30)))
    overrides = [{**period(3), "person": draw(st.sampled_from(NAMES))} for _ in range(draw(st.integers(0, 2)))]
    return company(
        people,
        weekly=draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)),
        hand_over=f"{day} {hour:02}:{minute:02}",
        timezone=draw(st.sampled_from(ZONES)),
        overrides=overrides,
    )


@given(rotas(), INSTANTS)
def test_every_instant_has_one_shift_and_its_person_is_there(people: People, at: datetime) -> None:
    shift = on_call(people, "ops", at)
    assert shift.since <= at < shift.until
    assert shift.until - shift.since <= timedelta(days=7, hours=1)
    assert shift.why
    on = at.astimezone(ZoneInfo(people.teams["ops"].zone)).date()

    def is_there(name: str) -> bool:
        person = people.people[name]
        return not (person.left and person.left <= on) and not any(a.from_ <= on <= a.to for a in person.absences)

    rota = people.teams["ops"].rota
    assert rota is not None
    assert is_there(shift.person) if shift.person else not any(is_there(name) for name in rota.weekly)


@given(rotas(), INSTANTS)
def test_shifts_follow_each_other_without_a_hole_and_each_holds_what_it_says(people: People, since: datetime) -> None:
    found = list(shifts(people, "ops", since, since + timedelta(days=40)))
    assert found[0].since <= since and found[-1].until >= since + timedelta(days=40)
    assert all(earlier.until == later.since for earlier, later in pairwise(found))
    for shift in found:
        for at in (shift.since, shift.since + (shift.until - shift.since) / 2, shift.until - timedelta(seconds=1)):
            assert on_call(people, "ops", at) == shift


@given(st.sampled_from(ZONES), st.sampled_from(WEEKDAYS), st.integers(0, 23), st.sampled_from((0, 30)))
def test_over_a_year_with_its_changes_of_the_clocks_hand_overs_happen_once_a_week(
    zone: str, day: str, hour: int, minute: int
) -> None:
    people = company(hand_over=f"{day} {hour:02}:{minute:02}", timezone=zone)
    year = list(shifts(people, "ops", datetime(2026, 1, 20, tzinfo=UTC), datetime(2027, 1, 20, tzinfo=UTC)))
    names = [shift.person for shift in year]
    start = names[0]
    assert len(year) in (53, 54) and start is not None
    turn = ["ada", "ben", "chen"].index(start)
    assert names == [["ada", "ben", "chen"][(turn + week) % 3] for week in range(len(year))]
    lengths = {shift.until - shift.since for shift in year}
    assert all(abs(length - timedelta(days=7)) <= timedelta(hours=1) for length in lengths)
    at_hour = {shift.since.astimezone(ZoneInfo(zone)).strftime("%a %H:%M").lower() for shift in year}
    assert f"{day} {hour:02}:{minute:02}" in at_hour and len(at_hour) <= 2  # twice a year the clock may skip that time
