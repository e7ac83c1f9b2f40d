"""Dagster's own storage and settings: its tables in a schema of our database, nothing sent anywhere.

Dagster keeps its runs and events in SQLite by default, which locks up under several processes, and reports usage to
its makers. Here it gets a schema of the same Postgres, so that there is one thing to back up, and is told to be quiet.
The password is named by its variable, never written down.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA = "dagster"
PASSWORD_VARIABLE = "ALERTING_DAGSTER_PASSWORD"  # noqa: S105 - the name of a variable


def prepare_instance(folder: Path, url: str) -> dict[str, str]:
    """Make Dagster's schema and write its dagster.yaml; returns the variables that each of its processes needs.

    Harmless when repeated: the file is replaced only when it would change.
    """
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(url)
    _create_schema(url)
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(_settings(folder, parts), indent=2)  # JSON is YAML, and quotes every path right
    target = folder / "dagster.yaml"
    if not target.exists() or target.read_text() != content:
        incoming = folder / "dagster.yaml.incoming"
        incoming.write_text(content)
        incoming.replace(target)
    return {
        "DAGSTER_HOME": str(folder),
        PASSWORD_VARIABLE: str(parts.get("password") or ""),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def _create_schema(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")


def _settings(folder: Path, parts: dict[str, Any]) -> dict[str, Any]:
    """The content of dagster.yaml.

    dagster-postgres needs psycopg2 (under psycopg 3 its NOTIFY fails), and takes a socket folder as a parameter.
    Runs start at once (no queue) and hold all steps in one process: a step's process would cost 4 s.
    """
    params = {"host": str(parts.get("host") or "localhost"), "options": f"-csearch_path={SCHEMA}"}
    if mode := parts.get("sslmode"):
        params["sslmode"] = str(mode)
    return {
        "storage": {
            "postgres": {
                "postgres_db": {
                    "scheme": "postgresql+psycopg2",
                    "username": str(parts.get("user") or ""),
                    "password": {"env": PASSWORD_VARIABLE},
                    "hostname": "",
                    "port": int(parts.get("port") or 5432),
                    "db_name": str(parts.get("dbname") or ""),
                    "params": params,
                }
            }
        },
        "run_coordinator": {"module": "dagster.core.run_coordinator", "class": "DefaultRunCoordinator"},
        "run_launcher": {"module": "dagster.core.launcher", "class": "DefaultRunLauncher"},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 180, "max_runtime_seconds": 14400},
        "local_artifact_storage": {
            "module": "dagster.core.storage.root", "class": "LocalArtifactStorage", "config": {"base_dir": str(folder)},
        },
        "retention": {
            "sensor": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 7, "started": 7}},
            "schedule": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 7, "started": 7}},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }  # fmt: skip
