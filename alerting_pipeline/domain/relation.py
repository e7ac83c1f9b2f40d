"""What a definition reads, as SQL that can stand behind `from`: a mart, a query over marts, or the rows of a case.

The rest of the query never knows which of them it is, which is why a case and a backtest go through the production
query.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerting_pipeline.domain.catalog import Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.query import Query
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.sql_fragment import identifier, instant, literal
from alerting_pipeline.domain.written import duration

_REF = re.compile(r"\{\{\s*ref\(\s*['\"](\w+)['\"]\s*\)\s*\}\}")
OVERLAP = timedelta(days=1)
"""How far behind the newest arrival a model is read again: longer than any load takes, for a load stamps its rows when
it begins and commits them when it ends. A mart says `overlap: 2h` in its meta to have another."""

_MOMENT = "(select as_of from moment)"
_HOLDS = f"valid_from <= {_MOMENT} and (valid_to is null or valid_to > {_MOMENT})"
IN_FORCE = f"select alert, parameter, scope, scope_value, value from alerting.parameter_windows where {_HOLDS}"
"""The parameter values that production evaluates with: those that hold at the evaluation's `as_of`, which stands in
`moment`. Cases and backtests put their own in its place."""


def moment_sql(as_of: str) -> str:
    """The part of a `with` that IN_FORCE reads; `as_of` is an instant as SQL."""
    return f"moment (as_of) as (select {as_of})"


@dataclass(frozen=True, slots=True)
class Relation:
    """What is read: `sql` can stand behind `from`; `columns` are its columns with their types.

    `watermark` names the column that says when a row last arrived, where there is one. `table` is the schema and name
    of a model in the warehouse; a query and the rows of a case have none.
    """

    sql: str
    columns: Mapping[str, str] = field(default_factory=dict)
    watermark: str | None = None
    overlap: timedelta = OVERLAP
    table: tuple[str, str] | None = None

    def since(self, watermark: datetime | None) -> datetime | None:
        """The arrival from which rows are read again; None: all of them."""
        return watermark - self.overlap if watermark is not None and self.watermark else None


def model_relation(model: Model) -> Relation:
    """A mart, by its name in the warehouse."""
    overlap = model.alerting.get("overlap")
    return Relation(
        sql=".".join(identifier(part) for part in model.relation.split(".")),
        columns=dict(model.columns),
        watermark=model.watermark if model.watermark in model.columns else None,
        overlap=duration(overlap) if overlap else OVERLAP,
        table=_table(model),
    )


def _table(model: Model) -> tuple[str, str]:
    schema, _, name = model.relation.rpartition(".")
    return schema, name


def query_relation(query: Query, models: Mapping[str, Relation], as_of: datetime) -> Relation:
    """A query over several relations, as one."""
    sql = query.sql(relation=lambda name: models[name].sql, as_of=instant(as_of))
    return Relation(sql=f"({sql})", columns=dict(query.columns))


def rows_relation(
    columns: Mapping[str, str], rows: Iterable[Mapping[str, str | None]], *, is_packed: bool = False
) -> Relation:
    """The rows of a case, typed by the mart's contract; absent columns are NULL.

    `is_packed`: as hexadecimal digits, for readers that take a colon or a percent sign in a text for their own.
    """
    typed = ", ".join(f"{identifier(name)} {kind or 'text'}" for name, kind in columns.items())
    text = json.dumps([dict(row) for row in rows], ensure_ascii=False)
    written = literal(text)
    if is_packed:
        digits = literal(text.encode().hex())
        written = f"convert_from(decode({digits}, 'hex'), 'UTF8')"
    return Relation(
        sql=f"(select * from jsonb_to_recordset({written}::jsonb) as given ({typed}))", columns=dict(columns)
    )


def models_read(definition: AlertDefinition) -> frozenset[str]:
    """The models that a definition reads, by name."""
    if definition.model is not None:
        return frozenset({definition.model})
    return frozenset(match.group(1) for match in _REF.finditer(definition.query or ""))


def read_together(definitions: Iterable[AlertDefinition]) -> Iterator[list[AlertDefinition]]:
    """Those that read the same model together; a query is read by itself."""
    groups: dict[str, list[AlertDefinition]] = defaultdict(list)
    for definition in definitions:
        groups[f"model {definition.model}" if definition.model else f"query {definition.alert}"].append(definition)
    yield from groups.values()


def types_sql(relation: Relation) -> str:
    """The types of a query's columns, as the database sees them; one row, whatever the query returns."""
    names = list(relation.columns)
    kinds = ", ".join(f"pg_typeof(q.{identifier(name)})::text as {identifier(name)}" for name in names)
    return (
        f"select {kinds} from (select 1) as one "
        f"left join lateral (select * from {relation.sql} as r limit 0) as q on true"
    )


def parameters_of(definition: AlertDefinition | ReportDefinition, overrides: Mapping[str, object]) -> str:
    """A definition's own parameter values as a select with the columns of IN_FORCE, some of them overridden.

    An overridden parameter has that value for every segment: whoever writes a case means the value that is used.
    """
    rows: list[Sequence[str | None]] = []
    for name, parameter in definition.parameters.items():
        if name in overrides:
            rows.append((name, "default", "", parameter.write(parameter.read(overrides[name], name=name))))
            continue
        rows.append((name, "default", "", LEFT_OUT if parameter.entries else parameter.write(parameter.default)))
        rows += [
            (name, "entry", entry.value, parameter.write((entry.value,)), entry.until and entry.until.isoformat())
            for entry in parameter.entries
        ]
        rows += [(name, "segment", segment, parameter.write(value)) for segment, value in parameter.values.items()]
    keys = ("parameter", "scope", "scope_value", "value", "until")
    written = literal(json.dumps([dict(zip(keys, row, strict=False)) for row in rows], ensure_ascii=False))
    return (
        f"select {literal(definition.name)}::text as alert, parameter, scope, scope_value, value "
        f"from jsonb_to_recordset({written}::jsonb) "
        "as g (parameter text, scope text, scope_value text, value text, until timestamptz) "
        f"where until is null or until > {_MOMENT}"
    )


def parameters_or_file(definitions: Iterable[AlertDefinition | ReportDefinition]) -> str:
    """The values in force, and those of the files where a parameter has none yet: what a dry run of files reads."""
    files = " union all ".join(f"({parameters_of(definition, {})})" for definition in definitions)
    if not files:
        return IN_FORCE
    unset = f"select 1 from ({IN_FORCE}) as o where o.alert = f.alert and o.parameter = f.parameter"
    columns = "alert, parameter, scope, scope_value, value"
    return f"{IN_FORCE} union all select {columns} from ({files}) as f where not exists ({unset})"


def parameters_under(name: str, definition: AlertDefinition) -> str:
    """The same of one definition, under another name."""
    values = parameters_or_file([definition])
    return (
        f"select {literal(name)}::text as alert, parameter, scope, scope_value, value from ({values}) as named "
        f"where alert = {literal(definition.alert)}"
    )
