"""destinations.yaml: names, channels and settings; the settings are checked by the channel that they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from alerting_pipeline.adapters.definition_reader import build
from alerting_pipeline.adapters.yaml_tree import Node
from alerting_pipeline.domain.destination import CHANNELS, REPORT_MAIL, Destination
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Problem
from alerting_pipeline.domain.written import INTEGER_PATTERN, NUMBER_PATTERN, Plain, is_null

_SETTINGS = {
    "slack": "SlackSettings",
    "email": "EmailSettings",
    "webhook": "WebhookSettings",
    "pagerduty": "PagerdutySettings",
    "ticket": "TicketSettings",
    "apprise": "AppriseSettings",
    "sheet": "SheetSettings",
    "table": "TableSettings",
    "csv": "CsvSettings",
    "parameter_sheet": "ParameterSheetSettings",
    REPORT_MAIL.name: "LetterSettings",  # a destination of its own, whose recipients are named by rows
}
_MODULES = {
    "apprise": "apprise_url",  # a module apprise would hide the library's, and so would one called csv
    "csv": "csv_file",
    REPORT_MAIL.name: "letter",
}
_ADDRESSED = frozenset({"slack", "email"})
_SECRET = re.compile(r"(token|password|secret|api_?key|credential)", re.IGNORECASE)


def read_destinations(root: Node) -> tuple[dict[str, Destination], list[Problem]]:
    """The good destinations by name, and every problem. The map is the whole file, or stands under `destinations:`."""
    found: dict[str, Destination] = {}
    problems: list[Problem] = []
    for name, (key, node) in _named(root).items():
        destination, mistakes = _destination(name, key, node)
        problems += mistakes
        if destination is not None:
            found[name] = destination
    return found, problems


def _named(root: Node) -> Mapping[str, tuple[Node, Node]]:
    entries = root.entries or {}
    nested = entries.get("destinations")
    if nested is not None and nested[1].entries is not None and "channel" not in nested[1].entries:
        return nested[1].entries
    return {name: pair for name, pair in entries.items() if name != "version"}


def _destination(name: str, key: Node, node: Node) -> tuple[Destination | None, list[Problem]]:
    if node.entries is None:
        return None, [_problem(node, f'destination "{name}" is not a map', "write {channel: slack, to: …}", "AP108")]
    if not name.strip() or len(name) > 100:
        return None, [_problem(key, "a destination needs a name of at most 100 characters", "name it", "AP111")]
    node = _flattened(node)
    values = {setting: _python(pair[1]) for setting, pair in (node.entries or {}).items()}
    channel = values.pop("channel", None)
    audience = values.pop("audience", "business")
    misspelt = next((name for name in values if did_you_mean(name, ["channel"])), None) if channel is None else None
    if misspelt is not None:
        return None, [
            _problem(node.key_at((misspelt,)), f'unknown key "{misspelt}"', 'did you mean "channel"?', "AP102")
        ]
    if channel is None:
        return None, [
            _problem(key, f'destination "{name}" has no channel', f"add channel: {' | '.join(CHANNELS)}", "AP403")
        ]
    if channel not in _channels():
        hint = did_you_mean(str(channel), _channels()) or f"the channels are {', '.join(sorted(_channels()))}"
        return None, [_problem(node.at(("channel",)), f'"{channel}" is not a channel', hint, "AP403")]
    if audience not in ("business", "engineering"):
        what = f'audience "{audience}" is not one of business, engineering'
        return None, [_problem(node.at(("audience",)), what, "write one of them", "AP105")]
    secrets = [setting for setting in values if _SECRET.search(setting) and not setting.endswith(("_env", "_file"))]
    if secrets:
        what = f"{secrets[0]} looks like a secret, which must not stand in a file"
        return None, [_problem(node.key_at((secrets[0],)), what, f"name its variable: {secrets[0]}_env: NAME", "AP404")]
    if channel == "slack" and "to" not in values and name.startswith("#"):
        values["to"] = name
    problems = _settings_problems(channel, key, node, values)
    if problems:
        return None, problems
    return Destination(name=name, channel=channel, settings=values, audience=audience), []


def _flattened(node: Node) -> Node:
    """Settings may also stand under `settings:`."""
    entries = dict(node.entries or {})
    if "settings" in entries and entries["settings"][1].entries is not None:
        entries = {**(entries.pop("settings")[1].entries or {}), **entries}
    return Node(node.source, node.start, node.end, entries=entries)


def _settings_problems(channel: str, key: Node, node: Node, values: Mapping[str, Any]) -> list[Problem]:
    """What the channel's own settings model has against them."""
    if channel == "file" and values:
        first = next(iter(values))
        return [
            _problem(node.key_at((first,)), f'unknown key "{first}"', "a file destination has no settings", "AP102")
        ]
    if channel not in _SETTINGS:
        return []
    is_report_mail = key.value == REPORT_MAIL.name
    if is_report_mail and channel != REPORT_MAIL.channel:
        what = f'"{REPORT_MAIL.name}" is where reports go, by {REPORT_MAIL.channel}'
        return [
            _problem(node.at(("channel",)), what, f"write channel: {REPORT_MAIL.channel}, or another name", "AP403")
        ]
    kind = REPORT_MAIL.name if is_report_mail else channel
    module = import_module(f"alerting_pipeline.adapters.channels.{_MODULES.get(kind, kind)}")
    model: type[BaseModel] = getattr(module, _SETTINGS[kind])
    found = build(model, node, values)[1]
    if channel in _ADDRESSED and "to" not in values and not is_report_mail:
        unknown = [problem for problem in found if problem.code == "AP102"]
        return unknown or [_problem(key, f'destination "{key.value}" does not say where to', "add to: …", "AP403")]
    return found


def _channels() -> frozenset[str]:
    from importlib.metadata import entry_points

    return frozenset((*CHANNELS, *(point.name for point in entry_points(group="alerting_pipeline.channels"))))


def _python(node: Node) -> Any:
    """Settings are technical: unquoted true, false and plain numbers are what they look like."""
    if node.items is not None:
        return [_python(item) for item in node.items]
    if node.entries is not None:
        return {key: _python(value) for key, (_, value) in node.entries.items()}
    value = node.value
    if not isinstance(value, Plain):
        return value
    if is_null(value):
        return None
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(INTEGER_PATTERN[1:-1], value):
        return int(value)
    return float(value) if re.fullmatch(NUMBER_PATTERN[1:-1], value) else str(value)


def _problem(node: Node, what: str, remedy: str, code: str) -> Problem:
    line, column = node.place()
    return Problem(node.source.path, line, column, what, remedy, code=code)
