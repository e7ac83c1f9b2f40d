"""A definition under another name: its open incidents, and what is known of its entities, go on under the new one."""

from __future__ import annotations

from sqlalchemy import Connection

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.incident import fingerprint


def hand_over(connection: Connection, definition: AlertDefinition) -> int:
    """Give what stands under the earlier name the name and fingerprints of today; returns how many incidents."""
    old, new = definition.renamed_from, definition.alert
    moved = 0
    for table, condition in (
        ("incidents", "status <> 'resolved'"), ("known_fingerprints", "true"), ("pending_violations", "true"),
    ):  # fmt: skip
        rows = connection.exec_driver_sql(
            f"select fingerprint, entity from ledger.{table} where alert = %s and {condition} order by 1", (old,)
        ).all()
        changes = [(new, fingerprint(new, entity), old, key) for key, entity in rows]
        if changes:
            connection.exec_driver_sql(
                f"update ledger.{table} as t set alert = %s, fingerprint = %s where t.alert = %s "
                f"and t.fingerprint = %s and {condition} and not exists "
                f"(select 1 from ledger.{table} as o where o.fingerprint = %s and {condition})",
                [(*change, change[1]) for change in changes],
            )
        moved += len(changes) if table == "incidents" else 0
    connection.exec_driver_sql(
        "update ledger.definitions as d set baselined_at = coalesce(d.baselined_at, o.baselined_at) "
        "from ledger.definitions as o where d.alert = %s and o.alert = %s",
        (new, old),
    )
    return moved
