"""What the tests of promises share: how often to do it, and databases of their own, as many as they need."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.soak.plugin import Soak, promise_of
from tests.soak.promise import Measured


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """How many times, and where the figure goes. A test that failed says that instead."""
    promise = promise_of(request.node)
    assert promise is not None, "a test that measures is marked with the promise that it shows"
    soak = next((each for each in request.config.pluginmanager.get_plugins() if isinstance(each, Soak)), None)
    made = Measured(promise, promise.short if soak is None else soak.count_for(promise))
    begun = time.monotonic()
    yield made
    made.seconds = time.monotonic() - begun
    if getattr(request.node, "has_failed", True):
        made.figures[:] = ["**did not hold in this run**"]
    if soak is not None:
        soak.take(made)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.when == "call":
        item.has_failed = report.failed  # type: ignore[attr-defined]
    return report
