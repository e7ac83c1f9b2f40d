"""A part of `alerting up` that ends is started again, later each time, until it ended too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from alerting_pipeline.cli.keeping import MOST, WITHIN, Keeper


@dataclass(eq=False)
class Part:
    name: str
    has_ended: bool = False


@dataclass
class Parts:
    """Children that end when they are told to."""

    started: list[Part]
    revived: list[str] = field(default_factory=list)

    def ended(self) -> list[Part]:
        return [part for part in self.started if part.has_ended]

    def revive(self, part: Part) -> None:
        part.has_ended = False
        self.revived.append(part.name)


def keep(*parts: Part) -> tuple[Keeper, Parts, list[tuple[str, int]]]:
    held, told = Parts(list(parts)), []
    return Keeper(cast(Any, held), lambda child, times: told.append((child.name, times))), held, told


def test_what_ended_is_told_once_and_started_again_a_second_later() -> None:
    worker, pages = Part("deliver"), Part("web")
    keeper, parts, told = keep(worker, pages)
    worker.has_ended = True
    assert [keeper.look(now) for now in (10.0, 10.5, 10.9)] == [None] * 3
    assert (told, parts.revived) == ([("deliver", 1)], [])
    assert keeper.look(11.0) is None
    assert (told, parts.revived, worker.has_ended) == ([("deliver", 1)], ["deliver"], False)


def test_each_time_it_waits_longer_and_at_last_it_is_given_up() -> None:
    worker = Part("deliver")
    keeper, parts, told = keep(worker)
    now = 0.0
    for times in range(1, MOST):
        worker.has_ended = True
        assert keeper.look(now) is None
        assert keeper.look(now + 2.0 ** (times - 1) - 0.1) is None
        assert len(parts.revived) == times - 1
        now += 2.0 ** (times - 1)
        assert keeper.look(now) is None
        assert len(parts.revived) == times
    worker.has_ended = True
    assert keeper.look(now) is worker
    assert told == [("deliver", times) for times in range(1, MOST + 1)]


def test_ends_that_are_long_ago_count_no_longer_and_each_part_has_its_own() -> None:
    worker, pages = Part("deliver"), Part("web")
    keeper, _, told = keep(worker, pages)
    for number in range(MOST * 2):
        worker.has_ended = pages.has_ended = True
        for seconds in (0.0, 1.0):
            assert keeper.look(number * WITHIN + seconds) is None
    assert set(told) == {("deliver", 1), ("web", 1)}
