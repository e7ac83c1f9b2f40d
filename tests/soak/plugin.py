"""The part of `python -m tests.soak` that sits within pytest: chooses the tests, counts in full, keeps the figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.soak.promise import AREAS, Measured, Promise

Keep = Callable[[Sequence[Measured], Sequence[Promise]], None]


@dataclass(eq=False)
class Soak:
    """`count` replaces the full counts; what has not begun after `budget` seconds fails unmeasured.

    `keep` is called with all results so far and all promises there are, whenever there is one more result.
    """

    areas: Sequence[str] = AREAS
    count: int | None = None
    budget: float = 1_800.0
    keep: Keep = lambda results, promised: None
    promised: list[Promise] = field(default_factory=list)
    results: list[Measured] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def count_for(self, promise: Promise) -> int:
        return promise.full if self.count is None else min(self.count, promise.full)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = [(promise, item) for item in items if (promise := promise_of(item))]
        found.sort(key=lambda each: AREAS.index(each[0].area))
        self.promised = [promise for promise, _ in found]
        wanted = [(self.areas.index(promise.area), item) for promise, item in found if promise.area in self.areas]
        items[:] = [item for _, item in sorted(wanted, key=lambda each: each[0])]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if time.monotonic() - self.began > self.budget:
            pytest.fail(f"the {self.budget / 60:.0f} minutes of the run were over before it", pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:  # said at once: a run that is ended from outside never comes to its summary
            print(f"\n{report.longreprtext[-3_000:]}", flush=True)
        if report.when == "call":
            took = f"{report.duration:.0f} s"
            print(f"\n{report.nodeid.rpartition('::')[2]}: {report.outcome} after {took}", flush=True)

    def take(self, measured: Measured) -> None:
        """A test has ended; one that failed says so."""
        self.results.append(measured)
        self.keep(self.results, self.promised)
        for figure in measured.figures:
            print(f"\n{measured.promise.area}: {figure}", flush=True)


def promise_of(item: pytest.Item) -> Promise | None:
    """The promise that a test shows."""
    marker = item.get_closest_marker("promise")
    return marker.args[0] if marker else None
