"""Reads the warehouse for evaluation: one scan for many definitions, and look-ups of single entities by key.

An error is bisected down to the definition that has it, so that one that fails never hides another. Only a warehouse
that can't be reached fails for all of them at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from alerting_pipeline.domain.condition_check import BadSql
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import Prepared
from alerting_pipeline.domain.evaluation_ports import Read, Sighted
from alerting_pipeline.domain.ports import Warehouse
from alerting_pipeline.domain.reading import Reading, read
from alerting_pipeline.domain.relation import IN_FORCE, Relation, types_sql
from alerting_pipeline.domain.scan import judged_sql, key_columns, lookup_sql, presence_sql, scan_sql
from alerting_pipeline.domain.violation import Missing
from alerting_pipeline.domain.warehouse_error import RelationMissing, WarehouseError, WarehouseUnreachable

_KEYS_AT_ONCE = 20_000


class Sources(Protocol):
    """Where definitions read: marts in production, the rows of a case in a rehearsal."""

    def relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        """What the definition reads. Raises AlertingError where that can't be told."""
        ...


@dataclass(frozen=True, slots=True)
class Scanner:
    """The warehouse as evaluation asks it. `parameters` is a select with the columns of IN_FORCE."""

    warehouse: Warehouse
    sources: Sources
    parameters: str = IN_FORCE

    def read(
        self,
        definitions: Mapping[int, AlertDefinition],
        prepared: Mapping[str, Prepared],
        as_of: datetime,
        seen: Sighted,
    ) -> Read:
        """Scan for definitions that read the same relation; their violations are in `seen` afterwards."""
        try:
            relation = self._relation(next(iter(definitions.values())), as_of)
            has_rows, newest = self._presence(relation)
        except RelationMissing as error:
            never = frozenset(place for place, each in definitions.items() if prepared[each.alert].read_key is None)
            return Read(errors=dict.fromkeys(definitions.keys() - never, error), unbuilt=never)
        except AlertingError as error:
            return Read(errors=dict.fromkeys(definitions, error))
        found = Read(relation=relation, is_empty=not has_rows, newest=newest)
        for ordinal, definition in definitions.items():
            try:
                found.readings[ordinal] = self._reading(definition, relation, prepared[definition.alert], as_of)
            except (AlertingError, BadSql) as error:
                found.errors[ordinal] = error if isinstance(error, AlertingError) else AlertingError(str(error))
        for since, ordinals in self._windows(definitions, found.readings, prepared, relation).items():
            self._scan({ordinal: found.readings[ordinal] for ordinal in ordinals}, since, found, seen)
        return found

    def look_up(
        self, reading: Reading, ordinal: int, relation: Relation, missing: Sequence[Missing]
    ) -> dict[UUID, Mapping[str, Any]]:
        """The rows of these entities as the scan returns them, with `hit` and `way_out`. Raises WarehouseError."""
        found: dict[UUID, Mapping[str, Any]] = {}
        for start in range(0, len(missing), _KEYS_AT_ONCE):
            chunk = missing[start : start + _KEYS_AT_ONCE]
            has_null = any(None in item.entity.values() for item in chunk)
            bound: dict[str, Any] = {"fingerprints": [item.fingerprint for item in chunk]}
            for place, column in enumerate(key_columns(reading)):
                bound[f"key_{place}"] = [item.entity.get(column) for item in chunk]
            sql = lookup_sql(reading, ordinal, relation, parameters=self.parameters, has_null=has_null)
            found.update({row["fingerprint"]: row for row in self.warehouse.rows(sql, bound)})
        return found

    def is_judged(self, reading: Reading, relation: Relation) -> bool:
        """Is there a row whose condition is not NULL? Raises WarehouseError."""
        return self.warehouse.rows(judged_sql(reading, relation, parameters=self.parameters))[0]["is_judged"]

    def _relation(self, definition: AlertDefinition, as_of: datetime) -> Relation:
        relation = self.sources.relation(definition, as_of)
        if definition.query is None:
            return relation
        # What a query returns has the types that the database gives it; a wrong guess would compare NaN as a number.
        return replace(relation, columns=self.warehouse.rows(types_sql(relation))[0])

    def _presence(self, relation: Relation) -> tuple[bool, datetime | None]:
        row = self.warehouse.rows(presence_sql(relation))[0]
        return row["has_rows"], row["newest"]

    def _reading(self, definition: AlertDefinition, relation: Relation, prepared: Prepared, as_of: datetime) -> Reading:
        missing = sorted(set(definition.parameters) - prepared.parameters) if self.parameters == IN_FORCE else []
        if missing:
            raise AlertingError(
                f"parameter {missing[0]} of {definition.alert} has no value in force; "
                "`alerting evaluate` publishes the definition with its values"
            )
        return read(definition, relation.columns, as_of)

    @staticmethod
    def _windows(
        definitions: Mapping[int, AlertDefinition],
        readings: Mapping[int, Reading],
        prepared: Mapping[str, Prepared],
        relation: Relation,
    ) -> dict[datetime | None, list[int]]:
        """From which arrival each definition reads; None: the whole model.

        Only an event-like model whose rows can't change by the clock alone is read from its watermark, and only if
        what it was read with last time, version and parameter values, is what it is read with now. Where an entity may
        have several rows (`worst_by`), its worst one may have arrived long ago: all of them are read.
        """
        since: dict[int, datetime | None] = {}
        for ordinal, reading in readings.items():
            stands = prepared[reading.alert]
            is_same = stands.read_key == stands.key_for(reading.version)
            definition = definitions[ordinal]
            can_wait = definition.occurred_at is not None and definition.worst_by is None and not reading.uses_as_of
            since[ordinal] = relation.since(stands.watermark) if is_same and can_wait else None
        earliest = min((moment for moment in since.values() if moment is not None), default=None)
        windows: dict[datetime | None, list[int]] = defaultdict(list)
        for ordinal, moment in since.items():
            windows[earliest if moment is not None else None].append(ordinal)
        return windows

    def _scan(self, readings: Mapping[int, Reading], since: datetime | None, found: Read, seen: Sighted) -> None:
        if found.relation is None or not readings:
            return
        sql = scan_sql(readings, found.relation, since=since, parameters=self.parameters)
        try:
            seen.load(self.warehouse.stream(sql))
        except WarehouseUnreachable as error:
            found.errors.update(dict.fromkeys(readings, error))
        except WarehouseError as error:
            if len(readings) == 1:
                found.errors.update(dict.fromkeys(readings, error))
                return
            ordinals = list(readings)
            for half in (ordinals[: len(ordinals) // 2], ordinals[len(ordinals) // 2 :]):
                self._scan({ordinal: readings[ordinal] for ordinal in half}, since, found, seen)
