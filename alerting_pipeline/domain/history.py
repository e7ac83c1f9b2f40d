"""How a model was at an instant: what a backtest reads in place of the mart, and nothing that was known only later.

A snapshot of the mart says how each row was. Without one, an event-like model is read by when its events occurred, and
its mart may state in `meta.alerting.as_was` how a column that changes afterwards was then (`status: "case when
status_changed_at > :as_of then 'pending' else status end"`); any other column is read as it is now, which the report
says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.query import parse_query
from alerting_pipeline.domain.relation import Relation, model_relation, models_read, query_relation
from alerting_pipeline.domain.sql_fragment import WITH_ZONE, identifier, instant, type_name

SNAPSHOT, EVENTS = "snapshot", "events"
_AS_OF = ":as_of"


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """One mart as it was. `occurred_at` is the column by which an event-like one is read; a snapshot needs none."""

    model: Model
    snapshot: Model | None = None
    occurred_at: str | None = None

    @property
    def source(self) -> str:
        """snapshot or events."""
        return SNAPSHOT if self.snapshot is not None else EVENTS

    @property
    def as_was(self) -> Mapping[str, str]:
        """SQL for columns that change after the event, over the mart's own columns and :as_of."""
        stated = self.model.alerting.get("as_was") or {}
        return {str(name): str(text) for name, text in stated.items()}

    def relation(self, at: datetime, since: datetime | None = None) -> Relation:
        """The rows that were there at `at`; of an event-like model those of events later than `since`."""
        return Relation(sql=self.sql(instant(at), instant(since) if since else None), columns=dict(self.model.columns))

    def sql(self, at: str, since: str | None = None) -> str:
        """The same for instants that are SQL."""
        if self.snapshot is not None:
            columns = ", ".join(f"s.{identifier(name)}" for name in self.model.columns)
            return (
                f"(select {columns} from {self.snapshot_sql} as s where s.dbt_valid_from::timestamptz <= {at} "
                f"and (s.dbt_valid_to is null or s.dbt_valid_to::timestamptz > {at}))"
            )
        as_was = self.as_was
        columns = ", ".join(
            f"({as_was[name].replace(_AS_OF, at)}) as {identifier(name)}" if name in as_was else identifier(name)
            for name in self.model.columns
        )
        happened = self.happened_of()
        later = f" and {happened} > {since}" if since else ""
        return f"(select {columns} from {model_relation(self.model).sql} where {happened} <= {at}{later})"

    @property
    def snapshot_sql(self) -> str:
        """The snapshot by its name in the warehouse: every version of every row."""
        return ".".join(identifier(part) for part in self.snapshot.relation.split(".")) if self.snapshot else ""

    def present_sql(self, start: str, end: str) -> str:
        """Every row that was there at some time between two instants, which are SQL; of events those in between."""
        if self.snapshot is None:
            return self.sql(end, start)
        columns = ", ".join(f"s.{identifier(name)}" for name in self.model.columns)
        return (
            f"(select {columns} from {self.snapshot_sql} as s where s.dbt_valid_from::timestamptz <= {end} "
            f"and (s.dbt_valid_to is null or s.dbt_valid_to::timestamptz > {start}))"
        )

    @property
    def kept_sql(self) -> str:
        """Everything that is known of the past: the versions of a snapshot, or the events."""
        return self.snapshot_sql if self.snapshot is not None else model_relation(self.model).sql

    @property
    def began(self) -> str:
        """When a row of it began to be there."""
        return "dbt_valid_from::timestamptz" if self.snapshot is not None else self.happened_of()

    def happened_of(self, row: str | None = None) -> str:
        """When the event of a row occurred, as an instant in SQL; `row` is what the row goes by."""
        column = f"{row}.{identifier(self.occurred_at or '')}" if row else identifier(self.occurred_at or "")
        kind = type_name(self.model.columns[self.occurred_at or ""])
        return f"{column}::timestamptz" if kind in WITH_ZONE else f"({column}::timestamp at time zone 'UTC')"


@dataclass(frozen=True, slots=True)
class History:
    """Everything that a definition reads, as it was."""

    definition: AlertDefinition
    catalog: Catalog
    models: Mapping[str, ModelHistory]

    def relation(self, at: datetime, since: datetime | None = None) -> Relation:
        """What the definition would have read at `at`. Raises AlertingError where a query can't be read."""
        if self.definition.query is None:
            return self.models[self.definition.model or ""].relation(at, since)
        query = parse_query(self.definition.query, self.catalog)
        return query_relation(query, {name: self.models[name].relation(at, since) for name in query.refs}, at)

    def sql(self, at: str, since: str | None = None) -> str:
        """The same as SQL behind `from`, for instants that are SQL."""
        if self.definition.query is None:
            return self.models[self.definition.model or ""].sql(at, since)
        query = parse_query(self.definition.query, self.catalog)
        return f"({query.sql(relation=lambda name: self.models[name].sql(at, since), as_of=at)})"

    def begin_sql(self) -> str:
        """A select of `begin`: since when all that the definition reads has data; NULL where it has none."""
        begins = [f"(select min({each.began}) from {each.kept_sql})" for each in self.models.values()]
        return f"select greatest({', '.join(begins)}) as begin"

    @property
    def source(self) -> str:
        """snapshot where all that is read has one, else events."""
        return EVENTS if any(each.source == EVENTS for each in self.models.values()) else SNAPSHOT

    @property
    def described(self) -> str:
        """In a sentence, for the report."""
        said = []
        for name, each in sorted(self.models.items()):
            if each.snapshot is not None:
                said.append(f"{name} as the snapshot {each.snapshot.name} kept it")
                continue
            now = "its other columns as they are now" if each.as_was else "its columns as they are now"
            kept = f", {', '.join(each.as_was)} as at each evaluation" if each.as_was else ""
            said.append(f"{name} by {each.occurred_at}{kept}, {now}")
        return "; ".join(said)


def history_of(definition: AlertDefinition, catalog: Catalog) -> History:
    """Where the definition's past can be read. Raises AlertingError, with the remedy, where it can't."""
    models = {}
    for name in sorted(models_read(definition)):
        model = catalog.models.get(name)
        if model is None:
            raise AlertingError(f'the dbt project has no model "{name}", which {definition.alert} reads')
        models[name] = _history(definition, model, catalog)
    return History(definition, catalog, models)


def _history(definition: AlertDefinition, model: Model, catalog: Catalog) -> ModelHistory:
    snapshot = catalog.snapshots.get(model.name)
    if snapshot is not None:
        return ModelHistory(model, snapshot)
    column = definition.occurred_at or model.alerting.get("occurred_at")
    if column is None or str(column) not in model.columns:
        raise AlertingError(
            f"nobody knows how {model.name} was: it has no snapshot, and {definition.alert} no occurred_at; add "
            f"`- {{name: {model.name}_history, relation: ref('{model.name}')}}` to dbt_project/snapshots, "
            "and backtest it when it has gathered some days"
        )
    return ModelHistory(model, None, str(column))
