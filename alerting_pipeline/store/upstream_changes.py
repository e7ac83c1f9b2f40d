"""What changed upstream, asked of the ledger in one query; and which code of the dbt project ran when.

dbt's manifest says what the code is, not when it changed. So each build notes the digest of the code that it runs, and
for each node that was good, that it was: one row of JSON for the whole project, read and written once a build.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, text

from alerting_pipeline.domain.system_definitions import EVALUATION_ERROR, SystemFinding
from alerting_pipeline.domain.upstream import CHANGED_UPSTREAM, MOST, Change, Upstream, told

BUILDS = "dbt build"
_NEWEST = 3
_JUDGED = ("firing", "clear", "no_data")

_CHANGES = f"""
select at, what from (
    select
        finished_at as at,
        case status when 'failed' then 'refused ' else 'loaded ' end || source || ': ' || file || case
            when status = 'failed' then '' when rows = 1 then ' (1 row)' else ' (' || rows || ' rows)' end as what
    from ledger.loads
    where source = any(:sources) and status in ('loaded', 'replaced', 'failed') and finished_at > :since
    union all
    select (value ->> 'since')::timestamptz, 'changed the code of ' || split_part(key, '.', 3)
    from ledger.heartbeats, jsonb_each(detail)
    where part = '{BUILDS}' and key = any(:nodes) and (value ->> 'since')::timestamptz > :since
    union all
    select
        d.published_at,
        'published ' || d.alert || ', version ' || left(d.version, 12)
            || coalesce(', git revision ' || left(v.git_revision, 12), '')
    from ledger.definitions as d join ledger.definition_versions as v using (alert, version)
    where d.alert = any(:alerts) and d.published_at > :since and exists (
        select from ledger.definition_versions as earlier where earlier.alert = d.alert and earlier.version <> d.version
    )
    union all
    select p.recorded_at, 'changed ' || p.parameter || ' of ' || p.alert || ', by ' || p.changed_by
    from ledger.parameter_values as p
    where p.alert = any(:alerts) and p.recorded_at > :since and exists (
        select from ledger.parameter_values as earlier
        where earlier.alert = p.alert and earlier.parameter = p.parameter and earlier.scope = p.scope
            and earlier.scope_value = p.scope_value and earlier.value_id < p.value_id
    )
) as changes
order by at desc, what limit :most
"""


def changes_since(connection: Connection, upstream: Upstream, since: datetime | None) -> list[Change]:
    """What changed later than `since`, oldest first, one more than is named; None: the newest few."""
    rows = connection.execute(
        text(_CHANGES),
        {
            "sources": list(upstream.sources),
            "nodes": list(upstream.nodes),
            "alerts": list(upstream.alerts),
            "since": since or datetime.min,  # noqa: DTZ901 - before everything, in whatever zone
            "most": _NEWEST if since is None else MOST + 1,
        },
    )
    return [Change(*row) for row in reversed(rows.all())]


def note_codes(connection: Connection, codes: Mapping[str, str]) -> datetime:
    """A build begins that runs this code, a digest by unique id; returns its instant. The first one changes nothing."""
    now: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    known = _known(connection)
    moment = now.isoformat() if known else None
    _keep(
        connection,
        {
            node: {**known.get(node, {}), "code": code, "since": moment}
            for node, code in codes.items()
            if known.get(node, {}).get("code") != code
        },
    )
    return now


def note_good(connection: Connection, nodes: Collection[str], at: datetime) -> None:
    """These were good in the build that began then."""
    known = _known(connection)
    _keep(connection, {node: {**known.get(node, {}), "good": at.isoformat()} for node in nodes})


def last_good(connection: Connection, node: str) -> datetime | None:
    """When the build began in which the node was last good; None where it never was."""
    found = connection.execute(
        text("select (detail -> :node ->> 'good')::timestamptz from ledger.heartbeats where part = :part"),
        {"part": BUILDS, "node": node},
    )
    return found.scalar()


def changed_since_judged(connection: Connection, alert: str, upstream: Upstream, outcomes: Collection[str]) -> str:
    """What changed upstream since the last evaluation of this definition that had one of these outcomes, in a line."""
    since = _last_judged(connection, alert, outcomes)
    return told(changes_since(connection, upstream, since), is_since_good=since is not None)


def explain(connection: Connection, findings: Sequence[SystemFinding]) -> list[SystemFinding]:
    """The findings; those about an alert that can't be evaluated name what changed of it since it last could."""
    explained = []
    for finding in findings:
        alert = finding.entity.get("alert") if finding.alert == EVALUATION_ERROR else None
        if alert is not None:
            changed = changed_since_judged(connection, alert, Upstream(alerts=(alert,)), _JUDGED)
            finding = replace(finding, detail={**finding.detail, CHANGED_UPSTREAM: changed})
        explained.append(finding)
    return explained


def _last_judged(connection: Connection, alert: str, outcomes: Collection[str]) -> datetime | None:
    found = connection.execute(
        text("""
        select started_at from ledger.evaluations where alert = :alert and outcome = any(:outcomes)
        order by evaluation_id desc limit 1
        """),
        {"alert": alert, "outcomes": list(outcomes)},
    )
    return found.scalar()


def _known(connection: Connection) -> dict[str, dict[str, str | None]]:
    found = connection.execute(text("select detail from ledger.heartbeats where part = :part"), {"part": BUILDS})
    return found.scalar() or {}


def _keep(connection: Connection, entries: Mapping[str, Mapping[str, str | None]]) -> None:
    if entries:
        connection.execute(
            text("""
            insert into ledger.heartbeats (part, at, detail)
            values (:part, clock_timestamp(), cast(:entries as jsonb))
            on conflict (part) do update set at = excluded.at, detail = heartbeats.detail || excluded.detail
            """),
            {"part": BUILDS, "entries": json.dumps(entries)},
        )
