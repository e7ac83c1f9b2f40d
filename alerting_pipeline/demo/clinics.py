"""Patients who wait for a dose, and the doses that clinics get each week; with those who change places, and why.

All of it is made up, and none of it is advice. Ordinary clinics have the same patients and doses every week, so nobody
moves there; in the story's clinics one thing changes between the last export and the newest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from alerting_pipeline.demo.calendar import STORY_DAYS, day_before
from alerting_pipeline.demo.company import pick
from alerting_pipeline.demo.labels import Kind, Label
from alerting_pipeline.demo.landing import as_csv

PATIENT_COLUMNS = ("patient_id", "clinic", "age", "conditions", "occupation", "taken_on")
ALLOTMENT_COLUMNS = ("clinic", "week_from", "doses")
_ALERT = "tier_changed"
_WEEK = 7
_ORDINARY = ("Birchwood", "Eastgate", "Greenfield", "Northgate", "Southbank")
_ORDINARY_PATIENTS, _ORDINARY_DOSES = 40, 12

_Row = tuple[str, str, int | None, int, str]


@dataclass(frozen=True, slots=True)
class _Patient:
    """One patient of the story; what ends in `_now` differs in the newest export. `is_new`: not listed before."""

    number: int
    clinic: str
    age: int
    conditions: int = 0
    occupation: str = "other"
    age_now: int | None = None
    occupation_now: str | None = None
    clinic_now: str | None = None
    is_new: bool = False

    def as_row(self, *, is_newest: bool) -> _Row:
        """As an export lists it, but for the day."""
        if not is_newest:
            return self.patient_id, self.clinic, self.age, self.conditions, self.occupation
        age, occupation = self.age_now or self.age, self.occupation_now or self.occupation
        return self.patient_id, self.clinic_now or self.clinic, age, self.conditions, occupation

    @property
    def patient_id(self) -> str:
        return f"N-{9_000 + self.number}"


def _elders(first: int, clinic: str, count: int, oldest: int = 79) -> tuple[_Patient, ...]:
    """Patients of one priority group in the order of their age."""
    return tuple(_Patient(first + place, clinic, oldest - place) for place in range(count))


_PATIENTS = (
    *_elders(0, "Seaport", 12),
    *_elders(20, "Hillside", 6),
    _Patient(26, "Hillside", 40, occupation_now="health_care"),
    _Patient(40, "Oldtown", 50, conditions=2),
    _Patient(41, "Oldtown", 49, conditions=2),
    _Patient(42, "Oldtown", 64, conditions=1, age_now=65),
    _Patient(43, "Oldtown", 40, conditions=1),
    _Patient(44, "Oldtown", 39, conditions=1),
    *_elders(60, "Riverside", 8),
    *_elders(80, "Parkview", 6),
    _Patient(86, "Parkview", 34),
    _Patient(87, "Parkview", 79, age_now=80),
    _Patient(88, "Oldtown", 25, clinic_now="Parkview"),
    _Patient(89, "Parkview", 24, is_new=True),
    *_elders(95, "Lakeside", 5),
)
# Doses a week before and now; None: no allotment came.
_DOSES: dict[str, tuple[int, int | None]] = {
    "Seaport": (10, 8),
    "Hillside": (5, 5),
    "Oldtown": (2, 2),
    "Riverside": (4, 5),
    "Parkview": (3, 3),
    "Lakeside": (3, None),
}
_MOVES: tuple[tuple[Kind, int, int, str], ...] = (
    ("exception", 8, 2, "the allotment was cut: the ninth is no longer reached this week"),
    ("exception", 9, 2, "the allotment was cut: the tenth is no longer reached this week"),
    ("exception", 26, 1, "works in health care now, and comes first"),
    ("exception", 24, 2, "was the last to be reached, and somebody comes before"),
    ("exception", 42, 1, "a birthday, and with it another group"),
    ("exception", 41, 2, "was the last to be reached, before that birthday"),
    ("exception", 64, 1, "the allotment was raised, and reaches one further"),
    ("near_miss", 10, 2, "the allotment was cut, but the eleventh waited for next week all along"),
    ("near_miss", 20, 1, "ranks one lower, and is reached all the same"),
    ("near_miss", 87, 1, "a birthday and another group, but was reached before"),
    ("near_miss", 88, 3, "another clinic, and waits there as before"),
    ("near_miss", 89, 3, "new: there is nothing to compare with"),
    ("near_miss", 95, 1, "no allotment came, so nothing is known of this week"),
    ("near_miss", 67, 2, "the allotment was raised, but reaches this one next week, as before"),
)


def labels() -> list[Label]:
    """The labels of the story: who moves, to which tier."""
    return [
        Label(
            _ALERT,
            {"patient_id": _Patient(number, "", 0).patient_id, "tier": str(tier)},
            kind,
            why,
            to=("#clinics",) if kind == "exception" else (),
        )
        for kind, number, tier, why in _MOVES
    ]


def files(days: int, seed: int, truth: list[Label]) -> Iterator[tuple[str, str, bytes, int]]:
    """One export of the register a week, the newest today, and one file of doses per week and clinic."""
    truth += labels()
    for ago in range(max(days, STORY_DAYS) // _WEEK * _WEEK, -1, -_WEEK):
        day, is_newest = day_before(ago), ago == 0
        listed = [(*row, day) for row in _register(seed, is_newest)]
        yield "patients", f"{day}.csv", as_csv(PATIENT_COLUMNS, listed), len(listed)
        for clinic, doses in _doses(is_newest):
            content = as_csv(ALLOTMENT_COLUMNS, [(clinic, day, doses)])
            yield "dose_allotments", f"{day}/{clinic.lower()}.csv", content, 1


def _register(seed: int, is_newest: bool) -> Iterator[_Row]:
    dice = Random(f"{seed}:patients")  # noqa: S311  (a story, not a secret)
    for place, clinic in enumerate(_ORDINARY):
        for number in range(_ORDINARY_PATIENTS):
            age, conditions = 18 + int(75 * dice.random()), int(3 * dice.random())
            occupation = pick(dice, ("other", "other", "other", "essential", "health_care"))
            yield f"N-{place}{number:03}", clinic, age, conditions, occupation
    for patient in _PATIENTS:
        if is_newest or not patient.is_new:
            yield patient.as_row(is_newest=is_newest)


def _doses(is_newest: bool) -> Iterator[tuple[str, int]]:
    for clinic in _ORDINARY:
        yield clinic, _ORDINARY_DOSES
    for clinic, (before, now) in _DOSES.items():
        doses = now if is_newest else before
        if doses is not None:
            yield clinic, doses
