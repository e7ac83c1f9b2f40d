"""The reckoning: what was planted against what was alerted. Every exception once, to those who must hear of it and to
nobody else; no near miss; nothing besides.

Pure, so that the demo's closing table and its test say the same thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alerting_pipeline.demo.labels import Label

ROW_COLUMNS = ("alert", "planted", "once", "astray", "twice", "missed", "near", "fired", "false")
LEGEND = """\
once: alerted once, to the right destinations; astray: once, but to others;
near: near misses, which must stay silent; fired: those that did not;
false: alerted without a cause."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What was told of one entity: `to` are the destinations (of a report: the recipients) that took its first
    message.
    """

    alert: str
    entity: Mapping[str, Any]
    to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One entity of one alert, in words, and why it was planted (empty: it was not)."""

    alert: str
    entity: str
    why: str

    @property
    def sentence(self) -> str:
        """For the list of what went wrong."""
        return f"{self.alert} {self.entity}: {self.why or 'nothing was planted there'}"


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Each planted or alerted case in exactly one list; `near_misses` counts those that rightly stayed silent."""

    alerted_once: tuple[Case, ...]
    astray: tuple[Case, ...]
    repeated: tuple[Case, ...]
    missed: tuple[Case, ...]
    near_misses_fired: tuple[Case, ...]
    false: tuple[Case, ...]
    near_misses_silent: tuple[Case, ...]

    @property
    def is_perfect(self) -> bool:
        """Was every planted exception alerted once, and nothing else at all?"""
        return not self.wrong

    @property
    def wrong(self) -> tuple[Case, ...]:
        """Every case that did not come out as it should."""
        return (*self.missed, *self.astray, *self.repeated, *self.near_misses_fired, *self.false)

    def rows(self) -> list[tuple[str | int, ...]]:
        """One row per alert, as ROW_COLUMNS name them, and a last one for all of them."""
        lists = (
            (self.alerted_once, self.astray, self.repeated, self.missed),
            (self.alerted_once,),
            (self.astray,),
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


def reckon(labels: Sequence[Label], raised: Iterable[Raised]) -> Reckoning:
    """Hold the labels against what was raised.

    Alerts that nothing was planted for, such as system incidents, are left out. A label without `to` says nothing of
    who must hear of it.
    """
    planted = {label.key: label for label in labels}
    alerts = {label.alert for label in labels}
    told = [each for each in raised if each.alert in alerts]
    count = Counter(_key(each) for each in told)
    heard = {_key(each): each.to for each in told}
    exceptions = [label for label in labels if label.kind == "exception"]
    near_misses = [label for label in labels if label.kind == "near_miss"]
    once = [label for label in exceptions if count[label.key] == 1]
    astray = [label for label in once if label.to and frozenset(label.to) != heard[label.key]]
    return Reckoning(
        alerted_once=tuple(_case(label) for label in once if label not in astray),
        astray=tuple(_led_astray(label, heard[label.key]) for label in astray),
        repeated=tuple(_case(label) for label in exceptions if count[label.key] > 1),
        missed=tuple(_case(label) for label in exceptions if count[label.key] == 0),
        near_misses_fired=tuple(_case(label) for label in near_misses if count[label.key]),
        false=tuple(Case(alert, _words(entity), "") for alert, entity in sorted(count.keys() - planted.keys())),
        near_misses_silent=tuple(_case(label) for label in near_misses if not count[label.key]),
    )


_Key = tuple[str, tuple[tuple[str, str], ...]]


def _key(raised: Raised) -> _Key:
    return Label(raised.alert, raised.entity, "exception", "").key


def _led_astray(label: Label, heard: frozenset[str]) -> Case:
    wanted, got = ", ".join(sorted(label.to)), ", ".join(sorted(heard)) or "nobody"
    return Case(label.alert, _words(label.key[1]), f"{label.why}; {wanted} must hear of it, and {got} did")


def _case(label: Label) -> Case:
    return Case(label.alert, _words(label.key[1]), label.why)


def _words(entity: Iterable[tuple[str, str]]) -> str:
    return ", ".join(value for _, value in entity)
