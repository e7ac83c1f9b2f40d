"""Reads marts for evaluation: one scan for many definitions, and look-ups of single entities by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from alerting_pipeline.domain.ports import Warehouse
from alerting_pipeline.domain.reading import Reading
from alerting_pipeline.domain.relation import IN_FORCE, Relation, types_sql
from alerting_pipeline.domain.scan import judged_sql, key_columns, lookup_sql, presence_sql, scan_sql
from alerting_pipeline.domain.violation import Missing

_KEYS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Scanner:
    """The warehouse as evaluation asks it. `parameters` is a select with the columns of IN_FORCE."""

    warehouse: Warehouse
    parameters: str = IN_FORCE

    def typed(self, relation: Relation) -> Relation:
        """The relation of a query with the types that its columns have in the database."""
        types = self.warehouse.rows(types_sql(relation))[0]
        return replace(relation, columns=types)

    def presence(self, relation: Relation) -> tuple[bool, datetime | None]:
        """Has it any row, and the newest arrival."""
        row = self.warehouse.rows(presence_sql(relation))[0]
        return row["has_rows"], row["newest"]

    def lines(self, readings: Mapping[int, Reading], relation: Relation, since: datetime | None) -> Iterator[bytes]:
        """The violations of all readings in COPY's text format, with the columns of `scan.COLUMNS`."""
        return self.warehouse.stream(scan_sql(readings, relation, since=since, parameters=self.parameters))

    def look_up(
        self, reading: Reading, ordinal: int, relation: Relation, missing: Sequence[Missing]
    ) -> dict[UUID, Mapping[str, Any]]:
        """The rows of these entities, as the scan would return them, with `hit` and `way_out`."""
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
        """Is there a row whose condition is not NULL?"""
        return self.warehouse.rows(judged_sql(reading, relation, parameters=self.parameters))[0]["is_judged"]
