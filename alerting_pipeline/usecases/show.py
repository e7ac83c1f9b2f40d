"""A definition as it holds: every value with the place that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerting_pipeline.domain.definition import Definition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.inheritance import BUILT_IN
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.nearest import did_you_mean

_FIRST = (
    "version", "alert", "report", "kind", "title", "emoji", "description", "system", "owner", "runbook", "labels",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One value: its key (parts of a value as `key.part`), and where it comes from."""

    key: str
    value: Any
    origin: str


def find(loaded: Loaded, name: str) -> Definition | None:
    """The good definition of that name; None if its file has errors. Raises BadCall if no file has that name."""
    if name in loaded.definitions:
        return loaded.definitions[name]
    known = {file.name for file in loaded.files if file.name is not None}
    if name in known:
        return None
    hint = did_you_mean(name, known) or f"there are {', '.join(sorted(known)[:12]) or 'none'}"
    raise BadCall(f'"{name}" is not a definition; {hint}')


def show(definition: Definition, origins: Mapping[str, str], *, resolved: bool) -> list[Shown]:
    """The values, in the order of the format; not `resolved`: only those that somebody stated."""
    values = definition.model_dump(mode="json", by_alias=True, exclude={"cases"})
    values = {**{key: values[key] for key in _FIRST if key in values}, **values}
    shown = [
        Shown(key, value, _origin(key, origins))
        for top, content in values.items()
        for key, value in _flat(top, content)
    ]
    return shown if resolved else [item for item in shown if item.origin != BUILT_IN]


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for part, item in value.items():
            yield from _flat(f"{key}.{part}", item)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _flat(f"{key}.{index}", item)
    else:
        yield key, value


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """The place of the value itself; a part that nobody stated is built in, unless its whole was written as one."""
    if key in origins:
        return origins[key]
    above = key.rpartition(".")[0]
    while above:
        if above in origins:
            has_parts = any(known.startswith(f"{above}.") for known in origins)
            return BUILT_IN if has_parts else origins[above]
        above = above.rpartition(".")[0]
    return BUILT_IN
