"""An example for each key: taken from the files of this repository, so that it is known to work.

Keys that no file here uses have their example in `UNUSED`; a test reads each of them as the key's model would.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from docs.generator.model_text import models_in

PROJECT = Path(__file__).parent.parent.parent
_LONGEST = 88

UNUSED: dict[str, str] = {
    "group_interval": "30m",
    "group_wait": "5m",
    "visible_to": "[finops]",
    "pause": "{until: 2026-12-01, reason: the warehouse is being moved}",
    "until": "2026-12-01",
    "reason": "the warehouse is being moved",
    "kind": "business",
    "query": "select d.delivery_id, d.status from {{ ref('deliveries') }} d",
    "worst_by": "amount",
    "clear_when": "status <> 'pending'",
    "for": "15m",
    "keep_firing_for": "1h",
    "reopen_within": "1d",
    "parameters": "{review_limit: {default: 10000, minimum: 100, maximum: 250000}}",
    "notify": '["#risk-leads", risk-mail]',
    "group_by": "[segment]",
    "digest": "daily",
    "actions": "{approve: {label: Approve, disposition: false_positive}}",
    "label": "Approve",
    "disposition": "false_positive",
    "automation": "{rung: ticket}",
    "rung": "ticket",
    "renamed_from": "big_transaction",
    "cases": "[{name: above fires, at: 2026-01-05T05:00:00Z, rows: [{amount: 15000}], expect: [{entity: t1}]}]",
    "cron": '"0 8 * * 1"',
    "timezone": "Europe/Berlin",
    "models": "all",
    "choices": "[standard, express]",
    "Relative.as": "robust_z",
    "median": "median_28d",
    "mad": "mad_28d",
    "Relative.columns": '{"0.95": p95_28d, "0.99": p99_28d}',
    "given": "{deliveries: [{delivery_id: d1}], transactions: [{transaction_id: t1}]}",
    "Case.parameters": "{review_limit: 500}",
    "Step.parameters": "{review_limit: 500}",
    "outcome": "no_data",
    "at_most": "200%",
    "on_failure": "tell",
    "freshness": "{within: 6h, column: loaded_at}",
    "within": "6h",
    "column": "loaded_at",
    "expectations": "[{expect_column_values_to_not_be_null: {column: customer_id}}]",
    "report": "weekly_account_summary",
    "to_column": "owner_email",
    "subject": "'{{ account_name }}: {{ visits }} visits this week'",
    "template": "reports/weekly_account_summary.html",
    "window": "due_at",
    "send_within": '{from: "08:00", to: "18:00", timezone_column: timezone}',
    "timezone_column": "timezone",
    "from_name": "Receivables",
    "unsubscribe": "false",
    "ReportCase.parameters": "{lead_time: 12h}",
    "unsubscribed": "[ada@example.com]",
    "says": '["Dear Ada"]',
    "skipped": "1",
    "SystemOverride.alert": "evaluation_error",
    "SystemOverride.kind": "system",
    "DataDefinition.kind": "data",
    "people": "{ada: {name: Ada Okafor, email: ada.okafor@example.com}}",
    "roles": "{risk-analyst: Reviews payments.}",
    "teams": "{risk-ops: {members: [ada, ben]}}",
    "user": "aokafor",
    "absences": "[{from: 2026-08-03, to: 2026-08-14, substitute: ben}]",
    "Absence.from": "2026-08-03",
    "Absence.to": "2026-08-14",
    "substitute": "ben",
    "left": "2026-09-01",
    "overrides": "[{from: 2026-02-03, to: 2026-02-04, person: goran}]",
    "Override.from": "2026-02-03",
    "Override.to": "2026-02-04",
    "person": "goran",
    "day": "mon",
    "HandOver.at": '"09:00"',
    "People.alerts_approved_by": "[data-engineer]",
    "budget": "5 per week",
    "messages": "5",
    "per": "week",
    "routes": "[{name: fraud, match: {labels: {area: fraud}}, destinations: [risk-mail]}]",
    "inhibit": "[{source: {alert: over_daily_budget}, target: {alert: forecast_over_budget}, equal: [team]}]",
    "source": "{alert: over_daily_budget}",
    "target": "{alert: forecast_over_budget}",
    "equal": "[team]",
    "continue": "true",
    "Match.alert": "[late_delivery]",
    "Match.owner": "[risk-ops]",
    "Match.entity": "{region: [north, islands]}",
    "named": "{area: fraud}",
    "hours": '{days: [mon, tue], from: "09:00", to: "17:00", timezone: Europe/Berlin}',
    "outside_hours": '{from: "08:00", to: "20:00", timezone: Europe/Berlin}',
    "days": "[mon, tue, wed, thu, fri]",
    "Hours.from": '"09:00"',
    "Hours.to": '"17:00"',
    "settings": "{to: [risk-ops@example.com]}",
    "delimiter": '";"',
    "encoding": "latin-1",
    "url": "https://hooks.example.com/incidents",
    "routing_key_env": "PAGER_ROUTING_KEY",
    "PagerdutySettings.url": "https://events.eu.pagerduty.com",
    "repository": "acme/operations",
    "project": "OPS",
    "issue_type": "Task",
    "TicketSettings.url": "https://acme.atlassian.net",
    "TicketSettings.user": "alerts@acme.example",
    "TicketSettings.labels": "[fraud]",
    "system": "github",
    "settle": "2m",
    "read_every": "5m",
    "verdicts": "{completed: true_positive}",
    "WriteBack.at_most": "500 per run",
    "TableSettings.at_most": "500 per run",
    "SheetSettings.at_most": "500 per run",
    "CsvSettings.at_most": "5000 per run",
    "AppriseSettings.url_env": "SMS_URL",
    "form": "short",
    "url_env": "RISK_HOOK_URL",
    "secret_env": "[RISK_HOOK_SECRET]",
    "token_env": "RISK_HOOK_TOKEN",
    "SlackSettings.to": '"#risk"',
    "per_second": "1",
    "SheetSettings.file": "fraud_review.xlsx",
    "ParameterSheetSettings.file": "limits.xlsx",
    "ParameterSheetSettings.worksheet": "Parameters",
    "without_approval": "true",
    "CsvSettings.file": "audience.csv",
    "worksheet": "Incidents",
    "most_rows": "20000",
}
"""Examples by key, or by model and key where a key means something else there."""


def found_in(model: type[BaseModel], values: Any) -> Iterator[tuple[tuple[str, str], str]]:
    """(model, key) and how it is written, for each key in a tree of values that the model would read."""
    if not isinstance(values, dict):
        return
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key not in values:
            continue
        yield (model.__name__, key), _flow(values[key])
        for inner in models_in(field.annotation):
            for part in _parts(values[key], field.annotation):
                yield from found_in(inner, part)


def shortest(found: Iterator[tuple[tuple[str, str], str]]) -> dict[tuple[str, str], str]:
    """For each key the first example that fits into a line, or else the shortest there is."""
    chosen: dict[tuple[str, str], str] = {}
    for key, example in found:
        if not example:
            continue
        best = chosen.get(key)
        if best is None or (len(best) > _LONGEST and len(example) < len(best)):
            chosen[key] = example
    return {key: example for key, example in chosen.items() if len(example) <= 2 * _LONGEST}


def example_of(model: type[BaseModel], key: str, found: dict[tuple[str, str], str]) -> str:
    """What this repository writes there, or what another model's key of the same name takes, or what is made up."""
    own = found.get((model.__name__, key)) or UNUSED.get(f"{model.__name__}.{key}") or UNUSED.get(key)
    return own or next((example for (_, name), example in found.items() if name == key), "")


def read(path: Path) -> Any:
    """The values of a YAML file, every scalar as it is written."""
    return YAML(typ="rt").load(path.read_text(encoding="utf-8")) or {}


def _parts(value: Any, annotation: Any) -> list[Any]:
    """The maps inside a value: the value itself, the items of a list, the values of a map of names."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict) and "dict[" in str(annotation):
        return [item for each in value.values() for item in (each if isinstance(each, list) else [each])]
    return [value]


def _flow(value: Any) -> str:
    """The value on one line, as YAML in flow style. A list of maps is shown by its first."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if len(value) > 1 and isinstance(value[0], dict):
            return f"[{_flow(value[0])}, …]"
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    text = " ".join(str(value).split())
    is_plain = not any(sign in text for sign in "#:{}[],\"'&*!|>%@`") and text != ""
    return text if is_plain or not isinstance(value, str) else _quoted(text)


def _quoted(text: str) -> str:
    return f'"{text}"' if '"' not in text else f"'{text}'"
