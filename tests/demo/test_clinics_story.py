"""The register of the sample company's clinics: in ordinary ones nothing changes, and no export carries a name."""

from __future__ import annotations

import csv

from alerting_pipeline.demo import clinics
from alerting_pipeline.demo.generate import DEFAULT_SEED
from alerting_pipeline.demo.labels import Label


def exports(days: int) -> dict[str, list[dict[str, str]]]:
    """The rows of each export of the register, by its file."""
    return {
        name: list(csv.DictReader(content.decode().splitlines()))
        for source, name, content, _ in clinics.files(days, DEFAULT_SEED, [])
        if source == "patients"
    }


def test_every_week_has_an_export_and_more_days_have_more() -> None:
    assert sorted(exports(1)) == sorted(exports(14)) == ["2026-01-05.csv", "2026-01-12.csv", "2026-01-19.csv"]
    assert len(exports(60)) == 9


def test_only_patients_of_the_story_differ_between_exports() -> None:
    *_, before, now = [rows for _, rows in sorted(exports(14).items())]
    listed = [{row["patient_id"]: {**row, "taken_on": ""} for row in rows} for rows in (before, now)]
    changed = {patient for patient in listed[1] if listed[0].get(patient) != listed[1][patient]}
    assert changed == {"N-9026", "N-9042", "N-9087", "N-9088", "N-9089"}


def test_every_planted_patient_is_listed_once() -> None:
    truth: list[Label] = []
    assert list(clinics.files(14, DEFAULT_SEED, truth))
    *_, newest = [rows for _, rows in sorted(exports(14).items())]
    numbers = [row["patient_id"] for row in newest]
    assert len(numbers) == len(set(numbers))
    assert {label.entity["patient_id"] for label in truth} <= set(numbers)


def test_the_register_carries_no_names() -> None:
    assert set(clinics.PATIENT_COLUMNS) == {"patient_id", "clinic", "age", "conditions", "occupation", "taken_on"}
