"""What changed upstream of something since it was last good: the first place to look when it fails.

Loads, code of models, versions of definitions and values of parameters, in the order of time. What stands upstream
comes from dbt's graph; nobody types it. A phrase names files, models and people, and never a value of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

CHANGED_UPSTREAM = "changed_upstream"
"""The field of an incident that names it."""
MOST = 8
"""Changes that are named; of more, the newest."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What something stands on: raw tables by name, dbt nodes by unique id, and the definitions that it is made by."""

    sources: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed, and when, by the database's clock."""

    at: datetime
    what: str


def upstream_of(ancestors: Sequence[str], alerts: Sequence[str] = ()) -> Upstream:
    """Unique ids of dbt, told apart."""
    sources = tuple(sorted(each.rpartition(".")[2] for each in ancestors if each.startswith("source.")))
    return Upstream(sources, tuple(sorted(each for each in ancestors if not each.startswith("source."))), tuple(alerts))


def told(changes: Sequence[Change], *, is_since_good: bool) -> str:
    """The changes in one line, oldest first. Not `is_since_good`: it never was, and they are merely the newest."""
    shown = [f"{each.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC {each.what}" for each in changes[-MOST:]]
    if not shown:
        return "nothing that is known here" if is_since_good else "nothing upstream is loaded here"
    return "; ".join(["…", *shown] if len(changes) > MOST else shown)
