"""Alerts and destinations as nodes of the lineage, and the check that evaluates alerts on demand.

The nodes can't be executed: an alert is evaluated inside the op that built its mart, a destination is reached by the
delivery worker. Both report here. (A thousand executable nodes that may be skipped would write two thousand "planned"
events for one that fires.)
"""

# No postponed annotations here: Dagster checks the type of `context` itself.
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from alerting_pipeline.app import App
from alerting_pipeline.defs.blueprint import Blueprint
from alerting_pipeline.defs.evaluation import evaluate_on_demand
from alerting_pipeline.defs.keys import CHECK, alert_key, destination_key, model_key
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.reach import reachable
from alerting_pipeline.domain.relation import models_read

_KINDS = {
    "slack": "slack",
    "email": "email",
    "webhook": "webhook",
    "pagerduty": "pagerduty",
    "ticket": "ticket",
    "apprise": "apprise",
    "sheet": "excel",
    "table": "postgres",
    "csv": "csv",
    "file": "file",
}
_NOUNS = {
    "slack": "Slack channel",
    "email": "Mail to",
    "webhook": "Webhook",
    "pagerduty": "PagerDuty",
    "ticket": "Tickets in",
    "apprise": "Service behind",
    "sheet": "Sheet",
    "table": "Table",
    "csv": "CSV file",
    "file": "Local inbox",
}
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,63}")


def alert_definitions(blueprint: Blueprint) -> dg.Definitions:
    """One node per alert and per destination that some alert reaches, and one check per alert."""
    tree, book = blueprint.loaded.routing, blueprint.loaded.book
    reached: dict[str, Destination] = {}
    senders: dict[str, list[str]] = {}
    for name, definition in blueprint.alerts.items():
        for destination in reachable(definition, tree, book):
            reached[destination.name] = destination
            senders.setdefault(destination.name, []).append(name)
    alerts = [_alert(blueprint, definition) for definition in blueprint.alerts.values()]
    destinations = [_destination(blueprint, reached[name], senders[name]) for name in sorted(reached)]
    return dg.Definitions(assets=[*alerts, *destinations], asset_checks=_checks(list(blueprint.alerts)))


def _checks(alerts: list[str]) -> list[dg.AssetChecksDefinition]:
    if not alerts:
        return []
    specs = [
        dg.AssetCheckSpec(CHECK, asset=alert_key(alert), description="Evaluates the alert now and counts violations.")
        for alert in alerts
    ]

    @dg.multi_asset_check(name="evaluate_alerts", specs=specs, can_subset=True)
    def evaluate_alerts(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        chosen = sorted(key.asset_key.path[-1] for key in context.selected_asset_check_keys)
        with App.from_environment() as app:
            yield from evaluate_on_demand(app, chosen, f"check:{context.run.run_id}")

    return [evaluate_alerts]


def _alert(blueprint: Blueprint, definition: AlertDefinition) -> dg.AssetSpec:
    """An alert's node: what it reads, whose it is, and where to read on."""
    condition = definition.condition if definition.query is None else f"{definition.query}\n-- {definition.condition}"
    title = f"{definition.emoji} **{definition.heading}**".strip()
    return dg.AssetSpec(
        alert_key(definition.alert),
        deps=[model_key(blueprint.models[model]) for model in sorted(models_read(definition))],
        description=f"{title}\n\n{definition.description}\n\n```sql\n{condition}\n```",
        group_name="alerts",
        owners=[f"team:{definition.owner}"],
        kinds={"alert", "sql"},
        tags={name: value for name, value in definition.labels.items() if _is_tag(name) and _is_tag(value)},
        metadata={
            "runbook": _place(blueprint.settings.project, definition.runbook),
            "incidents": dg.MetadataValue.url(f"{blueprint.settings.public_url}/?alert={definition.alert}"),
            "severities": ", ".join(level.level for level in definition.severity),
            **({"expected_per_week": float(definition.expected_per_week)} if definition.expected_per_week else {}),
            **blueprint.reference(str(blueprint.settings.definitions / definition.path)),
        },
    )


def _destination(blueprint: Blueprint, destination: Destination, alerts: list[str]) -> dg.AssetSpec:
    """A destination's node. Its settings hold names of secrets, never secrets, and are left out all the same."""
    noun = _NOUNS.get(destination.channel, destination.channel)
    return dg.AssetSpec(
        destination_key(destination.name),
        deps=[alert_key(alert) for alert in alerts],
        description=f"{noun} {destination.name}. Reached through the outbox by: {', '.join(alerts)}.",
        group_name="destinations",
        kinds={_KINDS.get(destination.channel, destination.channel)},
        tags={"channel": destination.channel, "audience": destination.audience},
        metadata=blueprint.reference(str(blueprint.settings.definitions / "destinations.yaml")),
    )


def _is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def _place(project: Path, runbook: str) -> Any:
    if runbook.startswith(("http://", "https://")):
        return dg.MetadataValue.url(runbook)
    return dg.MetadataValue.path(str(project / runbook))
