"""Reports as nodes of the lineage: from the mart that each reads to the mail that it becomes."""

from __future__ import annotations

import dagster as dg

from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.keys import destination_key, model_key, report_key
from alerting_pipeline.domain.destination import REPORT_MAIL
from alerting_pipeline.domain.letter import SendResult
from alerting_pipeline.domain.report import ReportDefinition


def report_definitions(blueprint: Blueprint) -> dg.Definitions:
    """One node per report, and the one destination that all of them share."""
    reports = list(blueprint.reports.values())
    if not reports:
        return dg.Definitions()
    names = [definition.report for definition in reports]
    mail = dg.AssetSpec(
        destination_key(REPORT_MAIL.name),
        deps=[report_key(name) for name in names],
        description=f"Mail to the recipients that each row names. Reached through the outbox by: {', '.join(names)}.",
        group_name="destinations",
        kinds={"email"},
        tags={"channel": REPORT_MAIL.channel, "audience": REPORT_MAIL.audience},
    )
    return dg.Definitions(assets=[*(_report(blueprint, definition) for definition in reports), mail])


def sent_event(result: SendResult) -> dg.AssetMaterialization:
    """One pass over a report, on its node."""
    counts = {
        "due": result.due, "sent": result.sent, "sent_before": result.known, "waiting": result.waiting,
        "skipped": result.skipped, "unsubscribed": result.unsubscribed, "duplicates": result.duplicates,
        "rows_with_null": result.null_rows,
    }  # fmt: skip
    said = {"window": result.window.isoformat(), "status": result.status.value, **counts}
    return dg.AssetMaterialization(report_key(result.report), description=result.reason or None, metadata=said)


def _report(blueprint: Blueprint, definition: ReportDefinition) -> dg.AssetSpec:
    condition = f"\n\n```sql\n{definition.condition}\n```" if definition.condition else ""
    return dg.AssetSpec(
        report_key(definition.report),
        deps=[model_key(blueprint.models[definition.model])],
        description=f"**{definition.heading}**\n\n{definition.description}{condition}",
        group_name="reports",
        owners=[f"team:{definition.owner}"],
        kinds={"report", "email"},
        metadata={
            "schedule": f"{definition.trigger.cron} ({definition.trigger.timezone})",
            "recipients": f"column {definition.to_column}",
            "messages": dg.MetadataValue.url(f"{blueprint.settings.public_url}/?alert={definition.report}"),
            **blueprint.reference(str(blueprint.settings.definitions / definition.path)),
        },
    )
