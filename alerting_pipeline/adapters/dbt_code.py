"""A digest of what a dbt node does: it changes exactly when its result could.

dbt's own checksum is that of the file: it doesn't know a generic test's arguments, a column's contract, the
configuration or the project's own macros. Descriptions are left out, which change nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_CONFIGURED = ("materialized", "severity", "where", "limit", "fail_calc", "error_if", "warn_if", "contract", "enabled",
               "unique_key", "incremental_strategy", "strategy", "check_cols", "updated_at", "on_schema_change",
               "pre-hook", "post-hook")  # fmt: skip


def code_of(node: Mapping[str, Any], macros: Mapping[str, Mapping[str, Any]]) -> str:
    """The digest of a node of the manifest, given the manifest's macros."""
    used = node.get("depends_on", {}).get("macros", ())
    config = node.get("config", {})
    what = {
        "code": node.get("raw_code"),
        "file": (node.get("checksum") or {}).get("checksum"),
        "columns": {name: column.get("data_type") for name, column in node.get("columns", {}).items()},
        "arguments": node.get("test_metadata"),
        "config": {name: config.get(name) for name in _CONFIGURED},
        "macros": [
            macros[name].get("macro_sql")
            for name in sorted(used)
            if name in macros and macros[name].get("package_name") == node.get("package_name")
        ],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]
