"""The part of `python -m tests.soak` that sits within pytest: chooses the tests, counts in full, keeps the figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.soak.promise import AREAS, Measured, Promise


@dataclass(eq=False)
class Soak:
    """`count` replaces the full counts; what has not begun after `budget` seconds fails unmeasured.

    `keep` is called with all results so far and the seconds so far, whenever there is one more.
    """

    area: str = ""
    count: int | None = None
    budget: float = 1_800.0
    keep: Callable[[Sequence[Measured], float], None] = lambda results, seconds: None
    results: list[Measured] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def count_for(self, promise: Promise) -> int:
        return promise.full if self.count is None else min(self.count, promise.full)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [area for area in AREAS if self.area in ("", area)]
        found = [(promise.area, item) for item in items if (promise := promise_of(item))]
        items[:] = [item for area in wanted for its, item in found if its == area]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if time.monotonic() - self.began > self.budget:
            pytest.fail(f"the {self.budget / 60:.0f} minutes of the run were over before it", pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            took = f"{report.duration:.0f} s"
            print(f"\n{report.nodeid.rpartition('::')[2]}: {report.outcome} after {took}", flush=True)

    def take(self, measured: Measured) -> None:
        """A test has ended; one that failed says so."""
        self.results.append(measured)
        self.keep(self.results, time.monotonic() - self.began)
        for figure in measured.figures:
            print(f"\n{measured.promise.area}: {figure}", flush=True)


def promise_of(item: pytest.Item) -> Promise | None:
    """The promise that a test shows."""
    marker = item.get_closest_marker("promise")
    return marker.args[0] if marker else None
