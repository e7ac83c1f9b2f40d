"""The composition root: the only place where adapters and store are constructed.

Everything is made on first use, so that a command pays only for what it needs. One class in six parts, each adding to
the one before: databases, pipeline, alerts, data, reports, delivery.
"""

from __future__ import annotations

from typing import Self

from alerting_pipeline.app.delivery import Delivery
from alerting_pipeline.settings import read_settings


class App(Delivery):
    """One program's parts, wired to one configuration. Use as a context manager, or call `close`."""

    @classmethod
    def from_environment(cls) -> Self:
        """Wired to the environment's settings. Raises BadCall where one of them can't be."""
        return cls(read_settings())
