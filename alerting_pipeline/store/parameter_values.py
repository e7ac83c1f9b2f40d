"""Parameter values in the ledger: a timeline for each, so that no evaluation loses its explanation.

What a file states is in force as long as no person has changed it; a person's value stays when the file changes,
unless the parameter's type or bounds no longer allow it. The constraint `parameter_values_one_at_a_time` holds that
windows of a key never overlap; whoever writes takes the lock of the alert first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.change_request import ALWAYS, DEFINITION, Held, Key
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.list_entry import LEFT_OUT
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.value_set import ValueSet

Parametrised = AlertDefinition | ReportDefinition

_COLUMNS = "value_id, type, value, valid_from, valid_to, changed_by, approved_by, request_id, reason, author"
_AHEAD = "(valid_to is null or valid_to > %s) and (valid_to is null or valid_to > valid_from)"


class _Stated(NamedTuple):
    type: str
    value: str
    until: datetime | None = None
    reason: str | None = None
    author: str | None = None

    def is_kept_as(self, held: Held) -> bool:
        """Is it what the ledger has of it, whenever it ends?"""
        return (self.type, self.value, self.reason, self.author) == (held.type, held.value, held.reason, held.author)


def lock_parameters(connection: Connection, alert: str) -> None:
    """Nobody else changes values of this alert until the transaction ends."""
    connection.exec_driver_sql(
        "select pg_advisory_xact_lock(hashtextextended('alerting parameters of ' || %s, 0))", (alert,)
    )


def timeline(connection: Connection, key: Key, now: datetime) -> list[Held]:
    """What holds of a key now and what is planned for later, in order."""
    rows = connection.exec_driver_sql(
        f"select {_COLUMNS} from ledger.parameter_values where alert = %s and parameter = %s and scope = %s "
        f"and scope_value = %s and {_AHEAD} order by valid_from",
        (key.alert, key.parameter, key.scope, key.scope_value, now),
    )
    return [_held(row._mapping) for row in rows]


def standing(connection: Connection, alert: str, now: datetime) -> dict[Key, list[Held]]:
    """The timelines of all keys of an alert from now on."""
    rows = connection.exec_driver_sql(
        f"select parameter, scope, scope_value, {_COLUMNS} from ledger.parameter_values where alert = %s and {_AHEAD} "
        "order by parameter, scope, scope_value, valid_from",
        (alert, now),
    )
    found: dict[Key, list[Held]] = {}
    for row in rows:
        key = Key(alert, row.parameter, row.scope, row.scope_value)
        found.setdefault(key, []).append(_held(row._mapping))
    return found


def end(connection: Connection, held: Held, at: datetime, now: datetime) -> None:
    """A value holds no longer than until `at`; if that is no later than now, it is superseded."""
    connection.exec_driver_sql(
        "update ledger.parameter_values set valid_to = greatest(valid_from, %(at)s), superseded_at = case when "
        "%(at)s <= greatest(valid_from, %(now)s) then clock_timestamp() end where value_id = %(value)s",
        {"at": at, "now": now, "value": held.value_id},
    )


def put(connection: Connection, key: Key, held: Held) -> None:
    """Write a value with its window. The database refuses one that overlaps another of the key."""
    connection.exec_driver_sql(
        "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, valid_from, valid_to, "
        "changed_by, approved_by, request_id, reason, author) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (key.alert, key.parameter, held.type, key.scope, key.scope_value, held.value, held.valid_from, held.valid_to,
         held.changed_by, held.approved_by, held.request_id, held.reason, held.author),
    )  # fmt: skip


def publish_parameters(connection: Connection, definition: Parametrised, now: datetime) -> None:
    """Bring the values in line with the definition, from now on; what did not change is not written."""
    lock_parameters(connection, definition.name)
    wanted = dict(_stated(definition))
    found = standing(connection, definition.name, now)
    known = _parameters_ever(connection, definition.name)
    for key in sorted({*wanted, *found}):
        stated = wanted.get(key)
        kept = []
        for held in found.get(key, []):
            if _stays(definition, key, held):
                kept.append(held)
            elif held.changed_by == DEFINITION and stated is not None and stated.is_kept_as(held):
                kept.append(_shortened(connection, held, stated.until, now))
            else:
                end(connection, held, max(now, held.valid_from), now)
        if stated is None:
            continue
        start = now if key.parameter in known else ALWAYS
        for begin, until in _gaps(kept, start, stated.until):
            put(
                connection,
                key,
                Held(stated.value, begin, until, type=stated.type, reason=stated.reason, author=stated.author),
            )


def close_parameters(connection: Connection, alert: str, now: datetime) -> None:
    """No value of this alert is in force any more."""
    lock_parameters(connection, alert)
    for timeline_of_key in standing(connection, alert, now).values():
        for held in timeline_of_key:
            end(connection, held, max(now, held.valid_from), now)


def take_over_parameters(connection: Connection, earlier: str, definition: Parametrised, now: datetime) -> None:
    """A renamed definition keeps the values that people gave it under its earlier name."""
    own = standing(connection, definition.name, now)
    for key, timeline_of_key in standing(connection, earlier, now).items():
        new = Key(definition.name, key.parameter, key.scope, key.scope_value)
        if new in own:
            continue
        for held in timeline_of_key:
            if held.changed_by != DEFINITION and _stays(definition, new, held):
                put(connection, new, held)


def values_by_people(engine: Engine, alert: str, now: datetime) -> ValueSet:
    """The values in force that people gave an alert."""
    with engine.connect() as connection:
        found = standing(connection, alert, now)
    return ValueSet.of_rows(
        (key.parameter, key.scope, key.scope_value, held.value)
        for key, timeline_of_key in found.items()
        for held in timeline_of_key
        if held.covers(now) and held.changed_by != DEFINITION
    )


def _stated(definition: Parametrised) -> Iterator[tuple[Key, _Stated]]:
    for name, parameter in definition.parameters.items():
        default = LEFT_OUT if parameter.type == "list" else Parameter.write(parameter.default)
        yield Key(definition.name, name), _Stated(parameter.type, default)
        for entry in parameter.entries:
            stated = _Stated("list", Parameter.write((entry.value,)), entry.until, entry.reason, entry.author)
            yield Key(definition.name, name, "entry", entry.value), stated
        for segment, value in parameter.values.items():
            yield Key(definition.name, name, "segment", segment), _Stated(parameter.type, Parameter.write(value))


def _stays(definition: Parametrised, key: Key, held: Held) -> bool:
    """A person's value that the parameter still allows."""
    parameter = definition.parameters.get(key.parameter)
    if held.changed_by == DEFINITION or parameter is None or parameter.type != held.type:
        return False
    if key.scope == "segment" and parameter.by is None:
        return False
    if parameter.type == "list" and (
        key.scope == "default"  # a list is its entries; its default only says that there is one
        or (key.scope == "entry" and held.value == LEFT_OUT and parameter.entry(key.scope_value) is None)
    ):
        return False
    try:
        parameter.check(parameter.stored(held.value))
    except ValueError:
        return False
    return True


def _shortened(connection: Connection, held: Held, until: datetime | None, now: datetime) -> Held:
    """What a file states, no longer than it says now; what it says longer is filled in as a gap."""
    if until is None or (held.valid_to is not None and held.valid_to <= until):
        return held
    ends = max(until, now, held.valid_from)
    end(connection, held, ends, now)
    return replace(held, valid_to=ends)


def _gaps(
    kept: Sequence[Held], start: datetime, until: datetime | None = None
) -> Iterator[tuple[datetime, datetime | None]]:
    """The times from `start` up to `until` in which none of these holds; they are in order, and don't overlap."""
    free: datetime | None = start
    for held in kept:
        if free is not None and free < held.valid_from and (until is None or free < until):
            yield free, held.valid_from if until is None else min(held.valid_from, until)
        free = None if held.valid_to is None or free is None else max(free, held.valid_to)
    if free is not None and (until is None or free < until):
        yield free, until


def _parameters_ever(connection: Connection, alert: str) -> set[str]:
    rows = connection.exec_driver_sql(
        "select distinct parameter from ledger.parameter_values where alert = %s", (alert,)
    )
    return set(rows.scalars())


def _held(row: object) -> Held:
    return Held(**{name: row[name] for name in _COLUMNS.split(", ")})  # type: ignore[index]  # a row is a mapping
