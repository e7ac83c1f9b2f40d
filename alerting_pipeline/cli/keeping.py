"""Keeps the parts of `alerting up` going: what ends by itself is started again, and again later each time.

Once is an accident that costs seconds, and nobody is woken for it. The second time is told. A part that ends again and
again can't be helped from here: everything ends then, so that whoever supervises the whole notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerting_pipeline.adapters.processes import Child, Children

MOST = 5
WITHIN = 600.0
"""A part may end less than so many times within so many seconds."""


@dataclass(slots=True)
class Keeper:
    """Looks after the started children. `told` hears of each end: the child, and how many there were of late."""

    children: Children
    told: Callable[[Child, int], None]
    _ends: dict[str, list[float]] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)

    def look(self, now: float) -> Child | None:
        """Start again what is due at `now`, in seconds of any clock; returns the part that ended too often, if any."""
        for child in self.children.ended():
            if child.name not in self._due:
                ends = [at for at in self._ends.get(child.name, []) if now - at < WITHIN] + [now]
                self._ends[child.name] = ends
                self._due[child.name] = now + 2.0 ** (len(ends) - 1)
                self.told(child, len(ends))
                if len(ends) >= MOST:
                    return child
            elif now >= self._due[child.name]:
                del self._due[child.name]
                self.children.revive(child)
        return None
