"""Inheritance: a definition's values from its file, then from the places it inherits from, each with its origin.

The nearest place wins, key by key: the file, the mart's dbt `meta.alerting`, `<area>/_defaults.yaml`, `defaults.yaml`,
and at last what is built in. Only labels are added up (the nearest value of each label wins), so that an area can label
what is in it. What makes a definition itself cannot be inherited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

OWN_KEYS = frozenset(
    {
        "version", "alert", "report", "kind", "title", "model", "query", "condition", "clear_when", "parameters",
        "deviance", "summary", "cases", "renamed_from", "freshness", "volume", "schema", "expectations", "on_failure",
        "to_column", "subject", "template", "template_text", "window", "from_name",
    }
)  # fmt: skip
"""Keys that every definition states for itself."""

BUILT_IN = "built-in"
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Layer(Generic[V]):
    """One place that values come from; `name` is how people know it."""

    name: str
    values: Mapping[str, V]


@dataclass(frozen=True, slots=True)
class Inherited(Generic[V]):
    """The values that hold, each with the layer it came from; `labels` has them for the single labels."""

    values: Mapping[str, V]
    origins: Mapping[str, Layer[V]]
    labels: Mapping[str, Layer[V]]


def inherit(layers: Sequence[Layer[V]], labels_of: Sequence[Mapping[str, V]]) -> Inherited[V]:
    """Merge layers, nearest first. `labels_of` has the labels of each layer, where its `labels` is a map."""
    values: dict[str, V] = {}
    origins: dict[str, Layer[V]] = {}
    labels: dict[str, Layer[V]] = {}
    for index, layer in enumerate(layers):
        for key, value in layer.values.items():
            if key not in values and (index == 0 or key not in OWN_KEYS):
                values[key] = value
                origins[key] = layer
        for label in labels_of[index]:
            labels.setdefault(label, layer)
    return Inherited(values, origins, labels)
