"""The reckoning: what was planted against what was alerted. Every exception once, no near miss, nothing else.

Pure, so that the demo's closing table and its test say the same thing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alerting_pipeline.demo.labels import Label

ROW_COLUMNS = ("alert", "planted", "once", "repeated", "missed", "near misses", "fired", "false")  # 80 columns


@dataclass(frozen=True, slots=True)
class Case:
    """One entity of one alert, in words, and why it was planted (empty: it was not)."""

    alert: str
    entity: str
    why: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Each planted or alerted case in exactly one list; `near_misses` counts those that rightly stayed silent."""

    alerted_once: tuple[Case, ...]
    repeated: tuple[Case, ...]
    missed: tuple[Case, ...]
    near_misses_fired: tuple[Case, ...]
    false: tuple[Case, ...]
    near_misses_silent: tuple[Case, ...]

    @property
    def is_perfect(self) -> bool:
        """Was every planted exception alerted once, and nothing else at all?"""
        return not (self.repeated or self.missed or self.near_misses_fired or self.false)

    def rows(self) -> list[tuple[str | int, ...]]:
        """One row per alert, as ROW_COLUMNS name them, and a last one for all of them."""
        lists = (
            (self.alerted_once, self.repeated, self.missed),
            (self.alerted_once,),
            (self.repeated,),
            (self.missed,),
            (self.near_misses_silent, self.near_misses_fired),
            (self.near_misses_fired,),
            (self.false,),
        )
        alerts = sorted({case.alert for group in lists for cases in group for case in cases})
        table = [
            (alert, *(sum(case.alert == alert for cases in group for case in cases) for group in lists))
            for alert in alerts
        ]
        return [*table, ("all", *(sum(len(cases) for cases in group) for group in lists))]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for --json."""
        return {"is_perfect": self.is_perfect, **asdict(self)}


def reckon(labels: Sequence[Label], incidents: Iterable[Mapping[str, Any]]) -> Reckoning:
    """Hold the labels against the rows of the view alerting.incidents (`alert` and `entity` are read).

    An entity may be a mapping or its JSON text. Alerts that nothing was planted for, such as system incidents, are
    left out.
    """
    planted = {label.key: label for label in labels}
    alerts = {label.alert for label in labels}
    raised = Counter(_key(incident) for incident in incidents if incident["alert"] in alerts)
    exceptions = [label for label in labels if label.kind == "exception"]
    near_misses = [label for label in labels if label.kind == "near_miss"]
    return Reckoning(
        alerted_once=tuple(_case(label) for label in exceptions if raised[label.key] == 1),
        repeated=tuple(_case(label) for label in exceptions if raised[label.key] > 1),
        missed=tuple(_case(label) for label in exceptions if raised[label.key] == 0),
        near_misses_fired=tuple(_case(label) for label in near_misses if raised[label.key]),
        false=tuple(Case(alert, _words(entity), "") for alert, entity in sorted(raised.keys() - planted.keys())),
        near_misses_silent=tuple(_case(label) for label in near_misses if not raised[label.key]),
    )


_Key = tuple[str, tuple[tuple[str, str], ...]]


def _key(incident: Mapping[str, Any]) -> _Key:
    entity = incident["entity"]
    if isinstance(entity, str):
        entity = json.loads(entity)
    return Label(incident["alert"], entity, "exception", "").key


def _case(label: Label) -> Case:
    return Case(label.alert, _words(label.key[1]), label.why)


def _words(entity: Iterable[tuple[str, str]]) -> str:
    return ", ".join(value for _, value in entity)
