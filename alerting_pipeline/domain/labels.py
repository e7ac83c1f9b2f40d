"""What turned out to be true, for precision and recall: a mart's `meta.alerting.labels` says where that is kept.

A label counts only where it was known by the end of what is replayed. No evaluation reads labels: the model that keeps
them need not be a mart, and its columns are looked up by a backtest alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerting_pipeline.domain.backtest import Span
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.history import History, ModelHistory
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.sql_fragment import entity_text, fingerprint_sql, identifier, instant, literal

_KEYS = ("model", "entity", "value", "known_at")


@dataclass(frozen=True, slots=True)
class Labels:
    """`entity` are the columns of `kept_in` that say which entity; `value` and `known_at` are SQL over its columns."""

    definition: AlertDefinition
    read: ModelHistory
    kept_in: Model
    entity: tuple[str, ...]
    value: str
    known_at: str

    def sql(self, span: Span) -> str:
        """A select of fingerprint, is_true, known_at: of every entity in the time, the newest label known by then."""
        columns = self.read.model.columns
        texts = {name: entity_text(name, columns[name]) for name in self.definition.entity}
        keys = ", ".join(f"{identifier(name)}::text as k{place}" for place, name in enumerate(self.entity))
        same = " and ".join(
            f"r.{identifier(name)}::text = l.k{place}" for place, name in enumerate(self.definition.entity)
        )
        relation = ".".join(identifier(part) for part in self.kept_in.relation.split("."))
        end = instant(span.end)
        return f"""
        select distinct on (fingerprint) fingerprint, is_true, known_at
        from (
            select {fingerprint_sql(literal(self.definition.alert), texts)} as fingerprint, l.is_true, l.known_at
            from {self.read.present_sql(instant(span.start), end)} as r
            inner join (
                select {keys}, ({self.value})::boolean as is_true, ({self.known_at})::timestamptz as known_at
                from {relation}
            ) as l on {same}
            where l.is_true is not null and l.known_at <= {end}
        ) as found
        order by fingerprint, known_at desc"""


def labels_of(definition: AlertDefinition, history: History, catalog: Catalog) -> Labels | None:
    """Where the labels of a definition's entities are; None: nobody says. Raises AlertingError where it can't be."""
    for name, read in sorted(history.models.items()):
        stated = read.model.alerting.get("labels")
        if stated is None or not set(definition.entity) <= set(read.model.columns):
            continue
        if not isinstance(stated, Mapping) or not set(_KEYS) <= stated.keys():
            raise AlertingError(
                f"meta.alerting.labels of {name} is incomplete; write {{model: …, entity: …, value: …, known_at: …}}"
            )
        kept_in = catalog.models.get(str(stated["model"]))
        if kept_in is None:
            near = did_you_mean(str(stated["model"]), catalog.models) or "name a dbt model"
            raise AlertingError(f'the labels of {name} are in "{stated["model"]}", which is no dbt model; {near}')
        entity = _names(stated["entity"])
        if len(entity) != len(definition.entity):
            raise AlertingError(
                f"the labels of {name} go by {', '.join(entity)}, and {definition.alert} by "
                f"{', '.join(definition.entity)}; name as many columns, in that order"
            )
        return Labels(definition, read, kept_in, entity, str(stated["value"]), str(stated["known_at"]))
    return None


def _names(stated: Any) -> tuple[str, ...]:
    return (stated,) if isinstance(stated, str) else tuple(str(each) for each in stated)
