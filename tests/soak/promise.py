"""A promise of docs/reliability.md: what must hold, how it is shown, and how often in a short and in a full run.

A test shows it: `@shows(Promise(…))`, with the fixture `measured`, which says how many times to do it and takes down
what came of it. `make test-all` does it `short` times, `make soak` `full` times, with the same assertions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

AREAS = (
    "delivery", "duplicates", "sink faults", "incidents", "ticks", "late rows", "time", "outcomes", "storm", "disabled",
    "Postgres down", "definition files", "webhooks", "secrets", "write-back", "year",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the table. `shown_by` reads with the count in it: `{count} kills at random moments`."""

    area: str
    must_hold: str
    shown_by: str
    short: int = 1
    full: int = 1

    def __post_init__(self) -> None:
        if self.area not in AREAS:
            raise ValueError(f"{self.area} is no area of docs/reliability.md; there are {', '.join(AREAS)}")


@dataclass(slots=True)
class Measured:
    """What one run of a test came to. `says` is called after the assertions, with the figure in words."""

    promise: Promise
    count: int
    figures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def says(self, figure: str) -> None:
        """Take down a figure. It is shown by `make soak`, and stands in the page."""
        self.figures.append(figure)


def shows(promise: Promise) -> pytest.MarkDecorator:
    """Mark a test as the one that shows this promise."""
    return pytest.mark.promise(promise)
