"""What the asset graph is drawn from: the dbt manifest and the definition files, and no database.

So the graph can be looked at and validated anywhere, and every edge in it is derived: none is typed twice.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from alerting_pipeline.adapters.source_declarations import read_sources
from alerting_pipeline.app import App
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.relation import models_read
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.source import Source

if TYPE_CHECKING:
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.settings import Settings


@dataclass(frozen=True)
class Blueprint:
    """One reading of the files."""

    settings: Settings
    manifest_path: Path
    manifest: Mapping[str, Any]
    catalog: Catalog
    loaded: Loaded
    sources: Mapping[str, Source]

    @cached_property
    def models(self) -> dict[str, Mapping[str, Any]]:
        """The dbt models by name."""
        return {node["name"]: node for node in self.manifest["nodes"].values() if node["resource_type"] == "model"}

    @cached_property
    def snapshots(self) -> tuple[Mapping[str, Any], ...]:
        """The dbt snapshots, which the build takes with their marts."""
        return tuple(node for node in self.manifest["nodes"].values() if node["resource_type"] == "snapshot")

    @cached_property
    def marts(self) -> frozenset[str]:
        """Unique ids of the models that definitions may read."""
        return frozenset(node["unique_id"] for node in self.models.values() if "marts" in node["fqn"])

    @cached_property
    def alerts(self) -> dict[str, AlertDefinition]:
        """The alert definitions whose file is good, by name."""
        return self.loaded.alerts

    @cached_property
    def reports(self) -> dict[str, ReportDefinition]:
        """The report definitions whose file is good, by name."""
        return self.loaded.reports

    @cached_property
    def data(self) -> dict[str, DataDefinition]:
        """The data definitions whose file is good, by name."""
        return self.loaded.data

    @cached_property
    def read_models(self) -> frozenset[str]:
        """Names of the models that some alert reads."""
        return frozenset(model for definition in self.alerts.values() for model in models_read(definition))

    @property
    def dbt_executable(self) -> str:
        """dbt's command beside the Python that runs us, whatever PATH says."""
        return str(Path(sys.executable).parent / "dbt")

    def owners(self, node: Mapping[str, Any]) -> list[str]:
        """The team that answers for a dbt node: its own, its group's, or that of the source which it renames."""
        meta = {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
        group = node.get("config", {}).get("group") or node.get("group")
        groups = {each["name"]: each["owner"].get("name") for each in self.manifest.get("groups", {}).values()}
        parents = node.get("depends_on", {}).get("nodes", ())
        sources = {self.manifest["sources"][parent]["name"] for parent in parents if parent.startswith("source.")}
        delivered = next((self.sources[name].owner for name in sorted(sources) if name in self.sources), None)
        owner = meta.get("owner") or meta.get("alerting", {}).get("owner") or groups.get(group) or delivered
        return [f"team:{owner}"] if owner else []

    def reference(self, place: str) -> dict[str, Any]:
        """The link from a node to the file that it comes from; `place` is `path` or `path:line`, within the project."""
        path, _, line = place.rpartition(":")
        path, number = (path, int(line)) if line.isdigit() else (place, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # the only form of metadata that opens in an editor
            found = dg.LocalFileCodeReference(file_path=str(self.settings.project / path), line_number=number)
            return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[found])}


def read_blueprint(app: App) -> Blueprint:
    """Read the files that the app's settings name. dbt runs only if its project changed."""
    project = app.dbt_project
    return Blueprint(
        settings=app.settings,
        manifest_path=project.parse(),
        manifest=project.manifest(),
        catalog=app.catalog,
        loaded=app.loaded_definitions,
        sources=read_sources(app.settings.dbt_project).sources,
    )
