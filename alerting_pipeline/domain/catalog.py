"""What definitions may read: the dbt project's models with their columns, keys and tests, as plain values.

The manifest is dbt's; this is the part of it that checks and evaluation need, so that neither knows dbt's format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One dbt model. `columns` maps lower-case names to the types of its contract ("" where none is declared).

    `unique_keys` are the sets of columns that tests or constraints promise to be unique; `tests` the unique ids of the
    tests on it; `ancestors` the unique ids of everything upstream; `path` the file that describes it. `snapshot_of`
    names the model whose earlier states a snapshot keeps; None: it is no snapshot.
    """

    name: str
    unique_id: str
    relation: str
    columns: Mapping[str, str] = field(default_factory=dict)
    unique_keys: tuple[frozenset[str], ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    path: str = ""
    tests: tuple[str, ...] = ()
    ancestors: frozenset[str] = frozenset()
    is_mart: bool = True
    snapshot_of: str | None = None

    @property
    def alerting(self) -> Mapping[str, Any]:
        """The model's `meta.alerting`: the watermark, and defaults for the definitions that read it."""
        stated = self.meta.get("alerting")
        return stated if isinstance(stated, Mapping) else {}

    @property
    def watermark(self) -> str | None:
        """The column that says when a row last arrived in the mart; None: the model is always read whole."""
        stated = self.alerting.get("watermark")
        return str(stated) if stated else None

    def is_unique_by(self, columns: frozenset[str]) -> bool:
        """Does a test or constraint promise at most one row per value of these columns?"""
        return any(key <= columns for key in self.unique_keys)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models by name. Only marts may be read by definitions; the others are here for "did you mean" and lineage."""

    models: Mapping[str, Model] = field(default_factory=dict)

    @property
    def marts(self) -> dict[str, Model]:
        """The models that definitions may read."""
        return {name: model for name, model in self.models.items() if model.is_mart}

    @property
    def snapshots(self) -> dict[str, Model]:
        """The snapshots, by the model whose states they keep."""
        return {model.snapshot_of: model for model in self.models.values() if model.snapshot_of is not None}
