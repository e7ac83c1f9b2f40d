"""The parameter values that an alert is evaluated with, as one set: those in force, or those that somebody tries out.

A new value for a parameter is its default; what segments and entities have of their own stays. `limit[premium]` is the
value of one segment. Every new value goes through `Parameter.read`, so what a backtest accepts could be in force.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.parameters import Parameter, list_items
from alerting_pipeline.domain.sql_fragment import literal

_NAMED = re.compile(r"(\w+)(?:\[(.*)\])?", re.DOTALL)


class Value(NamedTuple):
    """One value. `scope` is default, segment, entity or entry, of a list; `value` is the text that the ledger keeps."""

    parameter: str
    scope: str
    scope_value: str
    value: str

    @property
    def name(self) -> str:
        """What people call it: `limit`, or `limit[premium]`."""
        return self.parameter if self.scope == "default" else f"{self.parameter}[{self.scope_value}]"


@dataclass(frozen=True, slots=True)
class ValueSet:
    """All values of one alert. A list is the entries of its default and, each by itself, those of scope entry."""

    rows: tuple[Value, ...] = ()

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[str]]) -> ValueSet:
        """From (parameter, scope, scope_value, value) each."""
        return cls(tuple(Value(*row) for row in rows))

    @classmethod
    def of_definition(cls, definition: AlertDefinition, at: datetime | None = None) -> ValueSet:
        """What the file states; `at`: without entries of lists that have ended by that instant."""
        rows: list[Value] = []
        for name, parameter in definition.parameters.items():
            rows.append(
                Value(name, "default", "", LEFT_OUT if parameter.entries else parameter.write(parameter.default))
            )
            rows += [
                Value(name, "entry", entry.value, parameter.write((entry.value,)))
                for entry in parameter.entries
                if at is None or entry.is_in(at)
            ]
            rows += [Value(name, "segment", key, parameter.write(value)) for key, value in parameter.values.items()]
        return cls(tuple(rows))

    def overlaid(self, definition: AlertDefinition, kept: ValueSet) -> ValueSet:
        """With other values in place of these, as far as the definition's parameters still allow them."""
        rows = {row[:3]: row for row in self.rows}
        for row in kept.rows:
            parameter = definition.parameters.get(row.parameter)
            if parameter is None or (row.scope == "segment" and parameter.by is None):
                continue
            try:
                parameter.check(parameter.stored(row.value), name=row.parameter)
            except ValueError:
                continue
            rows[row[:3]] = row
        return ValueSet(tuple(rows.values()))

    def replaced(self, parameter: str, scope: str, scope_value: str, value: str | None) -> ValueSet:
        """With one value in place of its key's; None: the key has none of its own."""
        kept = tuple(row for row in self.rows if row[:3] != (parameter, scope, scope_value))
        return ValueSet(kept if value is None else (*kept, Value(parameter, scope, scope_value, value)))

    def completed(self, definition: AlertDefinition, at: datetime | None = None) -> ValueSet:
        """With what the definition states for parameters that have no value here, and without those it has not."""
        known = {row.parameter for row in self.rows if row.scope == "default"}
        stated = self.of_definition(definition, at).rows
        kept = tuple(row for row in self.rows if row.parameter in definition.parameters)
        return ValueSet(kept + tuple(row for row in stated if row.parameter not in known))

    def changed(self, definition: AlertDefinition, changes: Mapping[str, Any]) -> ValueSet:
        """With other values, by the names that people call them. Raises BadCall for what can't be in force."""
        rows = {(row.parameter, row.scope, row.scope_value): row for row in self.rows}
        for named, written in changes.items():
            match = _NAMED.fullmatch(named)
            name = match.group(1) if match else named
            parameter = definition.parameters.get(name)
            if match is None or parameter is None:
                near = did_you_mean(name, definition.parameters)
                known = ", ".join(definition.parameters) or "none"
                raise BadCall(f'{definition.alert} has no parameter "{name}"; {near or f"it has {known}"}')
            segment = match.group(2)
            if segment is not None and parameter.by is None:
                raise BadCall(f"{name} of {definition.alert} has no values per segment; write {name} alone")
            try:
                text = parameter.write(parameter.read(written, name=name))
            except ValueError as error:
                raise BadCall(str(error)) from None
            if parameter.type == "list" and segment is None:  # the whole list is said
                rows = {each: row for each, row in rows.items() if each[:2] != (name, "entry")}
            key = (name, "default", "") if segment is None else (name, "segment", segment)
            rows[key] = Value(*key, text)
        return ValueSet(tuple(rows.values()))

    def without_defaults(self, parameters: Collection[str]) -> ValueSet:
        """Only what segments and entities have of their own is left of these parameters."""
        return ValueSet(tuple(row for row in self.rows if row.scope != "default" or row.parameter not in parameters))

    def sql(self, alert: str) -> str:
        """A select with the columns of relation.IN_FORCE."""
        rows = [row._asdict() for row in self.rows]
        written = literal(json.dumps(rows, ensure_ascii=False))
        return (
            f"select {literal(alert)}::text as alert, g.* from jsonb_to_recordset({written}::jsonb) "
            "as g (parameter text, scope text, scope_value text, value text)"
        )

    @property
    def shown(self) -> dict[str, str]:
        """By the names that people call them; a list as a whole."""
        lists: dict[str, list[str]] = {}
        for row in self.rows:
            if row.scope == "entry":
                lists.setdefault(row.parameter, []).extend(list_items(row.value))
        return {
            row.name: Parameter.write((*list_items(row.value), *sorted(lists[row.parameter])))
            if row.scope == "default" and row.parameter in lists
            else row.value
            for row in self.rows
            if row.scope != "entry"
        }

    def value_of(self, parameter: str) -> str | None:
        """The default of a parameter."""
        return next((row.value for row in self.rows if row.name == parameter), None)
