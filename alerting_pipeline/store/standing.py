"""Where definitions stand in the ledger: how far they were read, with which values, what was judged before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.evaluation import Prepared
from alerting_pipeline.domain.stored_value import StoredValue

Stands = dict[str, Prepared]
"""Where alerts stand, by name."""
JUDGEMENTS = "('firing', 'clear', 'no_data')"
"""The outcomes after which a materialization is not evaluated again; the index evaluations_once says the same."""


def prepare(
    connection: Connection, alerts: Sequence[str], materialization_id: str, as_of: datetime
) -> tuple[datetime, Stands]:
    """The database's clock, and where each of these alerts stands; one that is unknown stands at its beginning.

    `as_of` is the business instant whose parameter values count.
    """
    now = connection.exec_driver_sql("select clock_timestamp()").scalar_one()
    rows = connection.exec_driver_sql(
        f"""
        select a.alert, d.watermark, d.read_key, d.baselined_at, p.key, coalesce(p.names, '{{}}'), e.started_at,
            array(
                select definition_version from ledger.evaluations as r
                where r.alert = a.alert and r.materialization_id = %s and r.outcome in {JUDGEMENTS}
            )
        from unnest(%s::text[]) as a (alert)
        left join ledger.definitions as d using (alert)
        left join lateral (
            select md5(string_agg(concat_ws('|', parameter, scope, scope_value, value), '|'
                    order by parameter, scope, scope_value)) as key,
                array_agg(parameter) filter (where scope = 'default') as names
            from ledger.parameter_values
            where alert = a.alert and valid_from <= %s and (valid_to is null or valid_to > %s)
        ) as p on true
        left join lateral (
            select started_at from ledger.evaluations as s where s.alert = a.alert and s.outcome in {JUDGEMENTS}
            order by s.evaluation_id desc limit 1
        ) as e on true
        """,
        (materialization_id, list(alerts), as_of, as_of),
    )
    return now, {
        alert: Prepared(
            watermark=datetime.fromisoformat(watermark) if watermark else None,
            read_key=read_key,
            is_baselined=baselined_at is not None,
            parameter_key=key or "",
            parameters=frozenset(names),
            last_started_at=started_at,
            evaluated_versions=frozenset(versions),
        )
        for alert, watermark, read_key, baselined_at, key, names, started_at, versions in rows
    }


def values_in_force(
    connection: Connection, versions: Mapping[str, str], as_of: datetime
) -> dict[str, list[StoredValue]]:
    """The parameter values that hold at an instant, of those alerts of which this version is in force."""
    rows = connection.exec_driver_sql(
        """
        select v.alert, v.parameter, v.scope, v.scope_value, v.type, v.value
        from unnest(%s::text[], %s::text[]) as a (alert, version)
        join ledger.definitions as d using (alert, version)
        join ledger.parameter_values as v using (alert)
        where v.valid_from <= %s and (v.valid_to is null or v.valid_to > %s)
        order by v.alert, v.parameter, v.scope, v.scope_value
        """,
        (list(versions), list(versions.values()), as_of, as_of),
    )
    found: dict[str, list[StoredValue]] = {}
    for row in rows:
        key = Key(row.alert, row.parameter, row.scope, row.scope_value)
        found.setdefault(row.alert, []).append(StoredValue(key, row.type, row.value))
    return found
