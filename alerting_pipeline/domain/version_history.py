"""The versions of a definition, newest first: when each was in force, who wrote it, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_NOT_THE_TEXT = frozenset({"path"})


@dataclass(frozen=True, slots=True)
class Version:
    """One version in force from one instant to another (None: still). `version` None: the definition was removed.

    `body` is the whole definition, defaults included; `incidents` and `evaluations` count what this version made while
    it was in force.
    """

    version: str | None
    path: str
    revision: str | None
    author: str | None
    is_committed: bool | None
    in_force_from: datetime
    in_force_to: datetime | None
    body: Mapping[str, Any] | None
    evaluations: int = 0
    incidents: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs: its key (parts as `key.part`); None where it is not there."""

    key: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """What one body changes against the one before it, in the order of the keys."""
    old, new = dict(_flat("", before or {})), dict(_flat("", after or {}))
    keys = [*old, *(key for key in new if key not in old)]
    return [Difference(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def with_changes(versions: Sequence[Version]) -> list[tuple[Version, list[Difference]]]:
    """Each version with what it changed against the one before it; the first one changed nothing. Newest first."""
    ordered = sorted(versions, key=lambda version: version.in_force_from)
    pairs = [(version, ordered[place - 1] if place else None) for place, version in enumerate(ordered)]
    found = [
        (version, differences(before.body, version.body) if before and before.body and version.body else [])
        for version, before in pairs
    ]
    return found[::-1]


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Values by key; lists of mappings by their place, so that one changed step of a case is one difference."""
    if isinstance(value, Mapping) and value:
        for part, item in value.items():
            if key or part not in _NOT_THE_TEXT:
                yield from _flat(f"{key}.{part}" if key else str(part), item)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, item in enumerate(value):
            yield from _flat(f"{key}.{place}", item)
    else:
        yield key, value
