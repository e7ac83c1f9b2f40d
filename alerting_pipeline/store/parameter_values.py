"""Parameter values in the ledger: each with the time it was in force, so that no evaluation loses its explanation.

What a file states is in force as long as no person has changed it; a person's value stays when the file changes,
unless the parameter's type or bounds no longer allow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.value_set import ValueSet

Parametrised = AlertDefinition | ReportDefinition

DEFINITION = "definition"
"""Who changed a value where the file did."""


class _Key(NamedTuple):
    parameter: str
    scope: str
    scope_value: str


class _Value(NamedTuple):
    type: str
    value: str
    changed_by: str


def publish_parameters(connection: Connection, definition: Parametrised) -> None:
    """Bring the values in force in line with the definition; what did not change is not written."""
    wanted = dict(_stated(definition))
    current = _in_force(connection, definition.name)
    ending = [
        key
        for key, value in current.items()
        if not _stays(definition, key, value) and (key not in wanted or wanted[key] != value)
    ]
    starting = {key: value for key, value in wanted.items() if key not in current or key in ending}
    _end(connection, definition.name, ending)
    for key, value in starting.items():
        connection.exec_driver_sql(
            "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by) "
            "values (%s, %s, %s, %s, %s, %s, %s)",
            (definition.name, key.parameter, value.type, key.scope, key.scope_value, value.value, value.changed_by),
        )


def close_parameters(connection: Connection, alert: str) -> None:
    """No value of this alert is in force any more."""
    connection.exec_driver_sql(
        "update ledger.parameter_values set valid_to = clock_timestamp() where alert = %s and valid_to is null",
        (alert,),
    )


def take_over_parameters(connection: Connection, earlier: str, definition: Parametrised) -> None:
    """A renamed definition keeps the values that people gave it under its earlier name."""
    connection.exec_driver_sql(
        """
        insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by, approved_by)
        select %(alert)s, parameter, type, scope, scope_value, value, changed_by, approved_by
        from ledger.parameter_values as p
        where alert = %(earlier)s and valid_to is null and changed_by <> %(definition)s
            and not exists (select 1 from ledger.parameter_values as q where q.alert = %(alert)s and q.valid_to is null
                and (q.parameter, q.scope, q.scope_value) = (p.parameter, p.scope, p.scope_value))
        """,
        {"alert": definition.name, "earlier": earlier, "definition": DEFINITION},
    )


def values_by_people(engine: Engine, alert: str) -> ValueSet:
    """The values in force that people gave an alert."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select parameter, scope, scope_value, value from ledger.parameter_values "
            "where alert = %s and valid_to is null and changed_by <> %s order by parameter, scope, scope_value",
            (alert, DEFINITION),
        ).all()
    return ValueSet.of_rows(rows)


def _stated(definition: Parametrised) -> Iterator[tuple[_Key, _Value]]:
    for name, parameter in definition.parameters.items():
        yield _Key(name, "default", ""), _Value(parameter.type, Parameter.write(parameter.default), DEFINITION)
        for segment, value in parameter.values.items():
            yield _Key(name, "segment", segment), _Value(parameter.type, Parameter.write(value), DEFINITION)


def _in_force(connection: Connection, alert: str) -> dict[_Key, _Value]:
    rows = connection.exec_driver_sql(
        "select parameter, scope, scope_value, type, value, changed_by from ledger.parameter_values "
        "where alert = %s and valid_to is null for update",
        (alert,),
    )
    return {_Key(*row[:3]): _Value(*row[3:]) for row in rows}


def _stays(definition: Parametrised, key: _Key, value: _Value) -> bool:
    """A person's value that the parameter still allows."""
    parameter = definition.parameters.get(key.parameter)
    if value.changed_by == DEFINITION or parameter is None or parameter.type != value.type:
        return False
    if key.scope == "segment" and parameter.by is None:
        return False
    try:
        parameter.read(value.value)
    except ValueError:
        return parameter.type == "list"
    return True


def _end(connection: Connection, alert: str, keys: list[_Key]) -> None:
    for key in keys:
        connection.exec_driver_sql(
            "update ledger.parameter_values set valid_to = clock_timestamp() where alert = %s and parameter = %s "
            "and scope = %s and scope_value = %s and valid_to is null",
            (alert, *key),
        )
