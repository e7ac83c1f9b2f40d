"""dbt's manifest.json as a catalog: the models with their columns, keys, tests and ancestors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.errors import AlertingError

_MARTS = "marts"


def load_catalog(path: Path) -> Catalog:
    """The catalog of a manifest file. Raises AlertingError where there is none, or it isn't dbt's."""
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise AlertingError(f"{path} is missing; `dbt parse` writes it") from None
    except (OSError, ValueError) as error:
        raise AlertingError(f"{path} can't be read ({type(error).__name__}); delete it and parse again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("nodes"), dict):
        raise AlertingError(f"{path} is not a manifest of dbt; delete it and parse again")
    return catalog_of(manifest)


def catalog_of(manifest: Mapping[str, Any]) -> Catalog:
    """The catalog of a manifest that was read already."""
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    parents = {uid: tuple(node.get("depends_on", {}).get("nodes", ())) for uid, node in nodes.items()}
    tests: dict[str, list[Mapping[str, Any]]] = {}
    for node in nodes.values():
        if node.get("resource_type") == "test":
            for parent in parents[node["unique_id"]]:
                tests.setdefault(parent, []).append(node)
    models = (node for node in nodes.values() if node.get("resource_type") in ("model", "seed", "snapshot"))
    return Catalog({node["name"]: _model(node, tests.get(node["unique_id"], []), parents) for node in models})


def _model(node: Mapping[str, Any], tests: list[Mapping[str, Any]], parents: Mapping[str, tuple[str, ...]]) -> Model:
    columns = {name.lower(): str(column.get("data_type") or "") for name, column in node.get("columns", {}).items()}
    patch = str(node.get("patch_path") or node.get("original_file_path") or "").split("://")[-1]
    return Model(
        name=node["name"],
        unique_id=node["unique_id"],
        relation=f"{node.get('schema')}.{node.get('alias') or node['name']}",
        columns=columns,
        unique_keys=_unique_keys(node, tests),
        meta={**node.get("meta", {}), **node.get("config", {}).get("meta", {})},
        description=str(node.get("description") or ""),
        path=patch,
        tests=tuple(sorted(test["unique_id"] for test in tests)),
        ancestors=_ancestors(node["unique_id"], parents),
        is_mart=_is_mart(node),
        snapshot_of=_snapshot_of(node, parents),
    )


def _is_mart(node: Mapping[str, Any]) -> bool:
    """A snapshot lies among the marts, and is none: it has several rows per entity."""
    is_among = _MARTS in (node.get("fqn") or [])[1:-1] or node.get("schema") == _MARTS
    return is_among and node.get("resource_type") != "snapshot"


def _snapshot_of(node: Mapping[str, Any], parents: Mapping[str, tuple[str, ...]]) -> str | None:
    """The one node that a snapshot selects from, by its name."""
    if node.get("resource_type") != "snapshot":
        return None
    direct = parents.get(node["unique_id"], ())
    return direct[0].rpartition(".")[2] if len(direct) == 1 else None


def _unique_keys(node: Mapping[str, Any], tests: list[Mapping[str, Any]]) -> tuple[frozenset[str], ...]:
    keys: list[frozenset[str]] = []
    for test in tests:
        about = test.get("test_metadata") or {}
        arguments = about.get("kwargs") or {}
        arguments = {**arguments, **(arguments.get("arguments") or {})}
        config = test.get("config") or {}
        if test.get("attached_node") not in (None, node["unique_id"]) or config.get("where"):
            continue
        if about.get("name") == "unique" and arguments.get("column_name"):
            keys.append(frozenset({str(arguments["column_name"]).lower()}))
        elif about.get("name") == "unique_combination_of_columns":
            keys.append(frozenset(str(name).lower() for name in arguments.get("combination_of_columns", ())))
    for constraint in node.get("constraints") or ():
        if constraint.get("type") in ("primary_key", "unique"):
            keys.append(frozenset(str(name).lower() for name in constraint.get("columns") or ()))
    for name, column in node.get("columns", {}).items():
        if any(constraint.get("type") in ("primary_key", "unique") for constraint in column.get("constraints") or ()):
            keys.append(frozenset({name.lower()}))
    return tuple(sorted({key for key in keys if key}, key=sorted))


def _ancestors(unique_id: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(parents.get(unique_id, ()))
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting += parents.get(parent, ())
    return frozenset(found)
