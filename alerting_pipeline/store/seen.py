"""What one evaluation saw, in a temporary table, and what is new, changed or missing in it: found by set-based SQL.

The reader's COPY bytes go straight into the table. Only rows that differ from the ledger ever become Python values, so
an evaluation of a hundred thousand unchanged violations writes nothing and moves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, RowMapping

from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.violation import Judged, Missing, Tally, Violation
from alerting_pipeline.store.incidents import INCIDENT_COLUMNS, incident_of

if TYPE_CHECKING:
    import psycopg

_CREATE = """
create temporary table seen (
    ordinal integer not null,
    rows bigint not null,
    fingerprint uuid,
    entity jsonb,
    severity text,
    deviance numeric,
    occurred_at timestamptz,
    worst numeric,
    took_default boolean,
    record jsonb
) on commit drop;
create temporary table judged (
    ordinal integer primary key,
    alert text not null,
    changes_by numeric,
    expires_after interval,
    row_columns text[],
    holds_for interval,
    reopens_within interval
) on commit drop;
"""
_FOUND = "s.ordinal, s.fingerprint, s.entity, s.severity, s.deviance, s.occurred_at, s.record::text as record"
_OPEN = "i.status <> 'resolved'"
_NEW = """s.fingerprint is not null
                and not exists (select 1 from ledger.incidents as o
                    where o.fingerprint = s.fingerprint and o.status <> 'resolved')
                and not exists (
                    select 1 from ledger.known_fingerprints as k
                    where k.alert = j.alert and k.fingerprint = s.fingerprint)"""
_HELD_LONG_ENOUGH = """and (j.holds_for is null or exists (
                    select 1 from ledger.pending_violations as p
                    where p.alert = j.alert and p.fingerprint = s.fingerprint
                        and p.since + j.holds_for <= %(as_of)s))"""
_CHUNK = 5_000
_BLOCK = 1 << 17


class Seen:
    """The temporary table of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._holds = self._reopens = False
        connection.exec_driver_sql(_CREATE)

    def clear(self) -> None:
        """Nothing was seen yet."""
        self._connection.exec_driver_sql("truncate seen, judged")

    def load(self, lines: Iterable[bytes]) -> None:
        """Take in a scan's COPY stream. If it breaks off, nothing of it stays, and the error goes on to the caller."""
        driver = cast("psycopg.Connection", self._connection.connection.driver_connection)
        with self._connection.begin_nested(), driver.cursor() as cursor, cursor.copy("copy seen from stdin") as copy:
            for block in blocks(lines):
                copy.write(block)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in violations that were found by key."""
        self._connection.exec_driver_sql(
            """
            insert into seen
            select ordinal, rows, fingerprint, entity, severity, deviance, occurred_at, worst, took_default,
                record::jsonb
            from jsonb_to_recordset(%(rows)s::jsonb) as x (
                ordinal integer, rows bigint, fingerprint uuid, entity jsonb, severity text, deviance numeric,
                occurred_at timestamptz, worst numeric, took_default boolean, record text)
            """,
            {"rows": json.dumps(rows, default=str)},
        )

    def settle(self) -> None:
        """Keep one row per entity: the worst. A model whose promise of uniqueness is broken must not break us."""
        self._connection.exec_driver_sql("analyze seen (ordinal, fingerprint, severity, deviance)")
        several = "select 1 from seen where fingerprint is not null group by fingerprint having count(*) > 1 limit 1"
        if self._connection.exec_driver_sql(several).first() is None:
            return
        self._connection.exec_driver_sql(
            """
            delete from seen using (
                select ctid as place, row_number() over (
                    partition by fingerprint order by worst desc nulls last, deviance desc nulls last, record::text
                ) as number
                from seen where fingerprint is not null
            ) as ranked
            where seen.ctid = ranked.place and ranked.number > 1
            """
        )

    def tallies(self) -> dict[int, Tally]:
        """Counts per definition; one that saw nothing is not in it."""
        rows = self._connection.exec_driver_sql(
            """
            select ordinal, count(fingerprint), coalesce(sum(rows) filter (where fingerprint is null), 0),
                count(*) filter (where took_default)
            from seen group by ordinal
            """
        )
        return {ordinal: Tally(found, int(nulls), unknown) for ordinal, found, nulls, unknown in rows}

    def samples(self, most: int = 10) -> dict[int, list[Mapping[str, Any]]]:
        """The worst rows of each definition, for people to look at."""
        rows = self._connection.exec_driver_sql(
            """
            select ordinal, entity, severity, deviance::text, record::text from (
                select *, row_number() over by_deviance as place
                from seen where fingerprint is not null
                window by_deviance as (partition by ordinal order by deviance desc nulls last, fingerprint)
            ) as ranked where place <= %s order by ordinal, place
            """,
            (most,),
        )
        samples: dict[int, list[Mapping[str, Any]]] = {}
        for ordinal, entity, severity, deviance, record in rows:
            shown = {**json.loads(record), **entity, "severity": severity, "deviance": deviance}
            samples.setdefault(ordinal, []).append(shown)
        return samples

    def judge(self, judged: Iterable[Judged]) -> None:
        """Name the definitions that `missing`, `fresh` and `changed` speak of."""
        rows = [
            (
                item.ordinal, item.alert, item.changes_by, item.expires_after, list(item.row_columns) or None,
                item.holds_for, item.reopens_within,
            )
            for item in judged
        ]  # fmt: skip
        self._holds, self._reopens = any(row[5] for row in rows), any(row[6] for row in rows)
        if rows:
            self._connection.exec_driver_sql("insert into judged values (%s, %s, %s, %s, %s, %s, %s)", rows)

    def take_back(self, ordinals: Sequence[int]) -> None:
        """These can't be judged after all: nothing of them was seen."""
        for table in ("seen", "judged"):
            self._connection.exec_driver_sql(f"delete from {table} where ordinal = any(%s)", (list(ordinals),))

    def missing(self) -> Iterator[Missing]:
        """What the ledger knows of and the scan did not return."""
        rows = self._connection.exec_driver_sql(
            f"""
            select j.ordinal, i.fingerprint, i.entity, true as is_open
            from ledger.incidents as i join judged as j using (alert)
            where {_OPEN} and not exists (select 1 from seen as s where s.fingerprint = i.fingerprint)
            union all
            select j.ordinal, k.fingerprint, k.entity, false
            from ledger.known_fingerprints as k join judged as j using (alert)
            where not exists (select 1 from seen as s where s.fingerprint = k.fingerprint)
                and not exists (select 1 from ledger.incidents as i where i.fingerprint = k.fingerprint and {_OPEN})
            union all
            select j.ordinal, p.fingerprint, p.entity, false
            from ledger.pending_violations as p join judged as j using (alert)
            where not exists (select 1 from seen as s where s.fingerprint = p.fingerprint)
                and not exists (select 1 from ledger.incidents as i where i.fingerprint = p.fingerprint and {_OPEN})
                and not exists (
                    select 1 from ledger.known_fingerprints as k
                    where k.alert = p.alert and k.fingerprint = p.fingerprint)
            order by 1, 2
            """
        )
        for ordinal, fingerprint, entity, is_open in rows:
            yield Missing(ordinal, fingerprint, entity, is_open)

    def pend(self, as_of: datetime) -> None:
        """Note since when violations are there that must hold for a time, before they are `fresh`.

        Set-based: a hundred thousand of them that wait are neither written again nor moved.
        """
        if self._holds:
            self._connection.exec_driver_sql(
                f"""
                insert into ledger.pending_violations (alert, fingerprint, entity, since)
                select j.alert, s.fingerprint, s.entity, %s from seen as s join judged as j using (ordinal)
                where {_NEW} and j.holds_for is not null
                    and not exists (
                        select 1 from ledger.pending_violations as p
                        where p.alert = j.alert and p.fingerprint = s.fingerprint)
                order by s.fingerprint
                on conflict do nothing
                """,
                (as_of,),
            )

    def settle_pending(self) -> None:
        """Those that opened wait no longer, nor do those whose definition no longer lets them."""
        self._connection.exec_driver_sql(
            f"""
            delete from ledger.pending_violations as p using judged as j
            where j.alert = p.alert and (j.holds_for is null
                or exists (select 1 from ledger.incidents as i where i.fingerprint = p.fingerprint and {_OPEN}))
            """
        )

    def fresh(self, as_of: datetime) -> Iterator[list[Violation]]:
        """Violations without an open incident that are not known either and have held for long enough, in chunks, in
        the order of their keys.

        Every evaluator takes locks in that order, so that two of them never wait for each other.
        """
        rows = self._connection.exec_driver_sql(
            f"""
            select {_FOUND} from seen as s join judged as j using (ordinal)
            where {_NEW} {_HELD_LONG_ENOUGH if self._holds else ""}
            order by s.ordinal, s.fingerprint
            """,
            {"as_of": as_of},
        )
        while chunk := rows.fetchmany(_CHUNK):
            yield [_found(row._mapping) for row in chunk]

    def reopening(self, as_of: datetime) -> Iterator[list[tuple[Incident, Violation]]]:
        """Fresh violations whose entity's last incident ended by itself so shortly ago that it goes on.

        The conditions are those of `lifecycle.is_reopened`.
        """
        if not self._reopens:
            return
        rows = self._connection.exec_driver_sql(
            f"""
            select {_FOUND}, {_prefixed()} from seen as s
            join judged as j using (ordinal)
            join ledger.incidents as i on i.fingerprint = s.fingerprint and i.status = 'resolved'
                and i.resolution in ('cleared', 'withdrawn')
                and i.resolved_at between %(as_of)s - j.reopens_within and %(as_of)s
            where {_NEW} {_HELD_LONG_ENOUGH if self._holds else ""}
                and not exists (
                    select 1 from ledger.incidents as n
                    where n.fingerprint = i.fingerprint and n.status = 'resolved' and n.incident_id > i.incident_id)
            order by i.incident_id for update of i
            """,
            {"as_of": as_of},
        )
        while chunk := rows.fetchmany(_CHUNK):
            yield [(incident_of(row._mapping, "i_"), _found(row._mapping)) for row in chunk]

    def changed(self, as_of: datetime) -> Iterator[list[tuple[Incident, Violation]]]:
        """Open incidents that were seen again and may have changed materially, whose rows changed, or that were held,
        calm or snoozed.

        Those whose time is over are left to `expiring`. They are locked, so that what a person does meanwhile to one of
        them is neither lost nor undone. The comparisons are those of `lifecycle.material_change`, `snooze.ended_by` and
        `row_change`: a number may be kept in other digits, or as text, so a column differs if value and text do.
        """
        rows = self._connection.exec_driver_sql(
            f"""
            select {_FOUND}, {_prefixed()} from seen as s
            join judged as j using (ordinal)
            join ledger.incidents as i on i.fingerprint = s.fingerprint and {_OPEN}
            where (i.severity <> s.severity or i.held_since is not null or i.calm_since is not null
                    or abs(i.notified_deviance - s.deviance) >= j.changes_by
                    or i.snoozed_until <= %(as_of)s
                    or s.deviance >= i.snooze_deviance * i.snooze_factor
                    or s.deviance * i.snooze_factor <= i.snooze_deviance
                    or j.row_columns is not null and exists (
                        select 1 from unnest(j.row_columns) as c (name)
                        where s.record -> c.name is distinct from i.fields -> c.name
                            and s.record ->> c.name is distinct from i.fields ->> c.name))
                and (j.expires_after is null or i.opened_at + j.expires_after > %(as_of)s)
            order by i.incident_id for update of i
            """,
            {"as_of": as_of},
        )
        while chunk := rows.fetchmany(_CHUNK):
            yield [(incident_of(row._mapping, "i_"), _found(row._mapping)) for row in chunk]

    def expiring(self, as_of: datetime) -> list[tuple[int, Incident]]:
        """Open incidents whose `expire_after` has passed."""
        rows = self._connection.exec_driver_sql(
            f"""
            select j.ordinal, {_prefixed()} from ledger.incidents as i join judged as j using (alert)
            where {_OPEN} and i.opened_at + j.expires_after <= %s order by i.incident_id for update of i
            """,
            (as_of,),
        )
        return [(row.ordinal, incident_of(row._mapping, "i_")) for row in rows]


def blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines joined until they are worth a write of their own."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _prefixed() -> str:
    return ", ".join(f"i.{column} as i_{column}" for column in INCIDENT_COLUMNS)


def _found(row: RowMapping) -> Violation:
    return Violation(
        ordinal=row["ordinal"],
        fingerprint=row["fingerprint"],
        entity=row["entity"],
        severity=row["severity"],
        deviance=row["deviance"],
        occurred_at=row["occurred_at"],
        record=json.loads(row["record"], parse_float=Decimal),
    )
