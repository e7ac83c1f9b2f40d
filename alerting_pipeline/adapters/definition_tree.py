"""What a definition's tree says of itself: its kind and name, and the tree of all values with their origins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from alerting_pipeline.adapters.yaml_tree import Node, Source, node_of
from alerting_pipeline.domain.catalog import Model
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.defaults import inheritable_keys
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.inheritance import Inherited, Layer
from alerting_pipeline.domain.problem import Finding, Problem
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.system_override import SystemOverride

Pair = tuple[Node, Node]
"""A key and its value."""


def kind_of(root: Node) -> tuple[type[Definition] | None, Problem | None]:
    entries = root.entries or {}
    if "report" in entries and "alert" not in entries:
        return ReportDefinition, None
    kind = entries["kind"][1] if "kind" in entries else None
    if kind is not None and kind.value == "data":
        return DataDefinition, None
    if kind is not None and kind.value == "system":
        return SystemOverride, None
    if kind is None and (hint := _forgotten(entries)) is not None:
        key, what, remedy = hint
        return None, Problem(root.source.path, *entries[key][0].place(), what, remedy, code="AP116")
    if not {"alert", "condition", "model", "query", "version"} & set(entries):
        what = "the file names no alert, so it is no definition"
        return None, Problem(root.source.path, 1, 1, what, "write alert: name, or remove the file", code="AP116")
    return AlertDefinition, None


def _forgotten(entries: Mapping[str, Pair]) -> tuple[str, str, str] | None:
    """A key that only another kind of definition has, though nothing names the kind: one error, not one for each."""
    if "condition" in entries or "query" in entries:
        return None
    for key in ("expectations", "freshness", "volume", "schema"):
        if key in entries:
            return (
                key,
                f"{key} belongs to a data definition, and the file does not say that it is one",
                "add kind: data",
            )
    for key in ("to_column", "subject", "template"):
        if key in entries:
            what = f"{key} belongs to a report, and the file does not say that it is one"
            return key, what, "write report: name" if "alert" not in entries else "write report: in place of alert:"
    return None


def meta_layer(model: Model, kind: type[Definition]) -> Layer[Pair]:
    source = Source.of(model.path or f"dbt model {model.name}", "")
    stated = {key: value for key, value in model.alerting.items() if key in inheritable_keys(kind)}
    node = node_of(stated, source)
    return Layer(f"meta.alerting of model {model.name}", node.entries or {})


def labels_in(values: Mapping[str, Pair]) -> Mapping[str, Pair]:
    pair = values.get("labels")
    return (pair[1].entries or {}) if pair is not None else {}


def names_in(values: Mapping[str, Pair], key: str) -> list[str]:
    """The texts under a key, be it one or a list."""
    node = values[key][1] if key in values else None
    written = [] if node is None else node.items if node.items is not None else [node]
    return [item.value for item in written if item.value is not None]


def merged_tree(root: Node, inherited: Inherited[Pair]) -> Node:
    """The tree of all values that hold, every node with its own place; the file's own keys come first."""
    entries = dict(inherited.values)
    if inherited.labels and all(_is_map(layer.values["labels"]) for layer in inherited.labels.values()):
        merged = {label: labels_in(layer.values)[label] for label, layer in inherited.labels.items()}
        key, node = entries["labels"]
        if node.entries is not None:
            entries["labels"] = (key, Node(node.source, node.start, node.end, entries=merged))
    return Node(root.source, root.start, root.end, entries=entries)


def _is_map(pair: Pair) -> bool:
    return pair[1].entries is not None


def origins_of(inherited: Inherited[Pair], merged: Node) -> dict[str, str]:
    """Where each value stands, as people find it: file:line, or the model's meta; parts of a value as `key.part`."""
    origins: dict[str, str] = {}
    for key, layer in inherited.origins.items():
        head, node = (merged.entries or {})[key]
        origins[key] = _where(layer, head)
        if key not in ("cases", "labels"):
            _part_origins(key, node, layer, origins)
    for label, layer in inherited.labels.items():
        origins[f"labels.{label}"] = _where(layer, labels_in(layer.values)[label][0])
    return origins


def _part_origins(name: str, node: Node, layer: Layer[Pair], origins: dict[str, str]) -> None:
    parts = (node.entries or {}).items()
    for part, (head, value) in parts:
        origins[f"{name}.{part}"] = _where(layer, head)
        _part_origins(f"{name}.{part}", value, layer, origins)
    for index, item in enumerate(node.items or ()):
        origins[f"{name}.{index}"] = _where(layer, item)
        if item.value is not None:  # a list may stand for a map of its names: `columns: [a, b]`
            origins[f"{name}.{item.value}"] = _where(layer, item)
        _part_origins(f"{name}.{index}", item, layer, origins)


def _where(layer: Layer[Pair], key: Node) -> str:
    return f"{key.source.path}:{key.place()[0]}" if key.source.text else f"{layer.name} ({key.source.path})"


def not_a_map(root: Node, path: str) -> Problem:
    is_list = root.items is not None
    what = f"the file holds {'a list' if is_list else 'a single value'}, not a map"
    return Problem(path, *root.place(), what, "write key: value lines", code="AP106")


def name_key(root: Node) -> tuple[str, ...]:
    return ("report",) if "report" in (root.entries or {}) else ("alert",)


def name_in(root: Node) -> str | None:
    pair = (root.entries or {}).get(name_key(root)[0])
    return pair[1].value if pair is not None else None


def missing_file(key: str, path: str, *around: Path) -> Iterator[Finding]:
    """The finding that a file which a definition names lies in none of these folders, if it doesn't."""
    wanted = Path(path)
    inside = not wanted.is_absolute() and ".." not in wanted.parts and len(path) < 400 and path.isprintable()
    if not inside or not any((folder / wanted).is_file() for folder in around):
        where = "this repository" if key == "runbook" else "alert_definitions"
        remedy = "write it" if inside else f"name a file inside {where}, relative to it"
        yield Finding((key,), f'{key} "{path}" is not a file of {where}', remedy, code="AP204")
