"""The parsed project as plain values, and a database that the models were built in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def manifest(dbt_manifest: Path) -> dict[str, Any]:
    return json.loads(dbt_manifest.read_bytes())


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def sources(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sources by name."""
    return {source["name"]: source for source in manifest["sources"].values()}
