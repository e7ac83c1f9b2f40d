"""Labels: which planted cases should be alerted, and which only look as if they should.

They are kept outside the landing folder and are never loaded, so no rule can read them; the reckoning does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["exception", "near_miss"]


@dataclass(frozen=True, slots=True)
class Label:
    """One planted case: the alert it is about, the entity as the incident will name it, and the truth.

    `alert` may name a report, too: the entity is then what its message is about. `to` says who must hear of an
    exception: destinations by name, or a report's recipient; empty: not said.
    """

    alert: str
    entity: Mapping[str, str]
    kind: Kind
    why: str
    to: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What identifies the case, whatever the order of the entity's columns."""
        return self.alert, tuple(sorted((column, str(value)) for column, value in self.entity.items()))


def to_lines(labels: Iterable[Label]) -> bytes:
    """The labels as JSON lines."""
    return "".join(
        json.dumps(
            {
                "alert": label.alert,
                "entity": dict(label.entity),
                "kind": label.kind,
                "why": label.why,
                "to": list(label.to),
            }
        )
        + "\n"
        for label in labels
    ).encode()


def read(path: Path) -> list[Label]:
    """The labels that `to_lines` wrote."""
    written = [json.loads(line) for line in path.read_text().splitlines()]
    return [Label(**{**each, "to": tuple(each["to"])}) for each in written]
