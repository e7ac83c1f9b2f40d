"""The asset keys of everything in the lineage. Dagster's graph shows the last part alone, so last parts are unique."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dagster import AssetKey

from alerting_pipeline.domain.source import Source

BUILD_OP = "dbt_build"
CHECK = "violations"
PIPELINE_JOB = "pipeline"
DUE_JOB = "due_evaluations"
TOLD = "alerting/told"
"""Tag of a failed run all of whose causes have incidents of their own."""


def file_key(source: Source) -> AssetKey:
    """The files of a source, as they are delivered: `files/cost_and_usage.csv.gz`.

    Not the pattern itself: Dagster's search takes neither braces nor asterisks literally.
    """
    ending = re.search(r"\.[A-Za-z0-9.]+$", source.ingest.pattern.text)
    return AssetKey(["files", f"{source.name}{ending.group() if ending else ' files'}"])


def raw_key(source: str) -> AssetKey:
    """A source's raw table."""
    return AssetKey(["raw", source])


def model_key(node: Mapping[str, Any]) -> AssetKey:
    """A dbt model: its layer, then its name."""
    return AssetKey([node["schema"], node["name"]])


def alert_key(alert: str) -> AssetKey:
    """An alert definition."""
    return AssetKey(["alerts", alert])


def report_key(report: str) -> AssetKey:
    """A report definition."""
    return AssetKey(["reports", report])


def destination_key(destination: str) -> AssetKey:
    """A destination, under the name that people know: `#risk`, `fraud_review`."""
    return AssetKey(["destinations", destination])
