"""A new alert as somebody describes it in a few answers, and the file that says the same.

The file is written for people: what is inherited is left out (`adapters.draft_file` writes it). Its cases
are rows that there were, reduced to the columns that the condition needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerting_pipeline.domain.errors import BadCall

_NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")
_WHOLE = ("smallint", "integer", "bigint")
_RESERVED = frozenset(
    {"defaults", "people", "routing", "destinations", "con", "prn", "aux", "nul"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)}
)
"""File names that mean something else here, or on a colleague's Windows."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A parameter of the new alert, with its bounds."""

    name: str
    default: str
    minimum: str | None = None
    maximum: str | None = None

    @classmethod
    def read(cls, written: str) -> Limit:
        """From NAME=DEFAULT or NAME=DEFAULT:MINIMUM:MAXIMUM. Raises BadCall."""
        name, sign, values = written.partition("=")
        parts = values.split(":")
        if not sign or not _NAME.fullmatch(name.strip()) or len(parts) not in (1, 3) or not all(parts):
            raise BadCall(f'"{written}" is no parameter; write one such as max_amount=10000:100:250000')
        return cls(name.strip(), *(part.strip() for part in parts))

    @property
    def tree(self) -> dict[str, str]:
        """What the file says of it."""
        said = {"default": self.default, "minimum": self.minimum, "maximum": self.maximum}
        return {key: value for key, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of the alert. None and empty: it is inherited, or there is none."""

    name: str
    area: str
    model: str
    entity: tuple[str, ...]
    condition: str
    summary: str
    owner: str | None = None
    runbook: str | None = None
    occurred_at: str | None = None
    limits: tuple[Limit, ...] = ()
    severity: str | None = None
    respond_within: str | None = None
    cases: tuple[Mapping[str, Any], ...] = ()

    @property
    def path(self) -> str:
        """Where the file belongs, relative to the folder of definitions."""
        return f"{self.area}/{self.name}.yaml"

    @property
    def tree(self) -> dict[str, Any]:
        """What the file says, in its order; what is inherited is left out."""
        said = {
            "version": 1,
            "alert": self.name,
            "owner": self.owner,
            "runbook": self.runbook,
            "model": self.model,
            "entity": list(self.entity) if len(self.entity) > 1 else "".join(self.entity),
            "occurred_at": self.occurred_at,
            "condition": self.condition,
            "parameters": {limit.name: limit.tree for limit in self.limits},
            "severity": [{"level": self.severity, "respond_within": self.respond_within or "1d"}]
            if self.severity
            else None,
            "summary": self.summary,
            "cases": list(self.cases),
        }
        return {key: value for key, value in said.items() if value not in (None, [], {})}


def checked_name(name: str) -> str:
    """A name that a definition, and its file, may have. Raises BadCall."""
    if not _NAME.fullmatch(name):
        raise BadCall(f'"{name}" is no name for an alert; use lower case, digits and _, such as large_refund')
    if name in _RESERVED:
        raise BadCall(f"{name}.yaml is the name of another kind of file; choose another name for the alert")
    return name


def checked_area(area: str) -> str:
    """A folder for the file, within that of the definitions, by its plain name. Raises BadCall."""
    if not _NAME.fullmatch(area) or area in _RESERVED:
        raise BadCall(f'"{area}" is no folder for an alert; use lower case, digits and _, such as fraud')
    return area


def checked_texts(texts: Mapping[str, Any]) -> None:
    """Raises BadCall for a text that no file can hold, by the option that gave it."""
    for option, value in texts.items():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, str) and not _is_writable(each):
                name = option.replace("_", "-")
                raise BadCall(f"--{name} has a character that no file can hold; write it in UTF-8 and without controls")


def _is_writable(text: str) -> bool:
    return not any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text)


def cases_of(
    entity: Sequence[str],
    types: Mapping[str, str],
    columns: Sequence[str],
    fires: Mapping[str, Any] | None,
    quiet: Mapping[str, Any] | None,
    at: datetime,
) -> Iterator[Mapping[str, Any]]:
    """One case that fires and one that does not, from a row of each kind (None: there was none)."""
    instant = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for name, row, is_firing in (("fires", fires, True), ("does not fire", quiet, False)):
        if row is None:
            continue
        key = {column: _made_up(types.get(column, ""), row.get(column)) for column in entity}
        others = {column: row[column] for column in columns if column not in key and row.get(column) is not None}
        values: list[Any] = list(key.values())
        expected = [{"entity": values[0] if len(values) == 1 else values}] if is_firing else []
        yield {"name": f"a row as it was on {instant[:10]} {name}", "at": instant, "rows": [{**key, **others}],
               "expect": expected}  # fmt: skip


def _made_up(kind: str, value: Any) -> Any:
    """An entity of nobody, so that no customer's number comes into version control."""
    if kind in _WHOLE:
        return 1
    return "example" if kind in ("text", "character varying", "varchar", "") else value
