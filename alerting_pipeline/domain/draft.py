"""A new alert as somebody describes it in a few answers, and the file that says the same.

The file is written for people: what is inherited is left out, and every text stands in quotes that YAML reads back as
it is. Its cases are rows that there were, reduced to the columns that the condition needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerting_pipeline.domain.errors import BadCall

_NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")
_WHOLE = ("smallint", "integer", "bigint")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ ]*[A-Za-z0-9]")
_BARE = re.compile(r"-?[0-9]+(\.[0-9]+)?|[a-z_]+")


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
    def text(self) -> str:
        """The file."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# yaml-language-server: $schema=../definition.schema.json"
        yield "version: 1"
        yield f"alert: {self.name}"
        for key in ("owner", "runbook"):
            if value := getattr(self, key):
                yield f"{key}: {scalar(value)}"
        yield f"model: {self.model}"
        yield f"entity: {flow(list(self.entity)) if len(self.entity) > 1 else ''.join(self.entity)}"
        if self.occurred_at:
            yield f"occurred_at: {self.occurred_at}"
        yield f"condition: {scalar(self.condition)}"
        if self.limits:
            yield "parameters:"
            for limit in self.limits:
                named = {"default": limit.default, "minimum": limit.minimum, "maximum": limit.maximum}
                yield f"  {limit.name}: {flow({key: value for key, value in named.items() if value is not None})}"
        if self.severity:
            yield f"severity: [{flow({'level': self.severity, 'respond_within': self.respond_within or '1d'})}]"
        yield f"summary: {scalar(self.summary)}"
        if self.cases:
            yield "cases:"
            for case in self.cases:
                yield f"  - name: {scalar(case['name'])}"
                yield f"    at: {case['at']}"
                yield "    rows:"
                yield from (f"      - {flow(row)}" for row in case["rows"])
                yield f"    expect: {flow(case['expect'])}"


def checked_name(name: str) -> str:
    """A name that a definition may have. Raises BadCall."""
    if not _NAME.fullmatch(name):
        raise BadCall(f'"{name}" is no name for an alert; use lower case, digits and _, such as large_refund')
    return name


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


def scalar(value: object) -> str:
    """A text as YAML reads it back."""
    text = str(value)
    return (
        text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./ ]*[A-Za-z0-9]", text) and not _is_special(text) else _quoted(text)
    )


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and not _is_special(value) else _quoted(value)
    return str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_special(text: str) -> bool:
    return text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
