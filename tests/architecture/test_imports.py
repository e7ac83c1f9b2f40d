"""Which room may import which, and what an import may cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alerting_pipeline.cli import COMMANDS
from tests.architecture.sources import PROJECT, imports, modules, place

DAGSTER = ("dagster", "dagster_dbt", "dagster_postgres", "dagster_slack", "dagster_shared", "dagster_webserver")
HEAVY = {
    "dagster", "dagster_dbt", "pandas", "numpy", "great_expectations", "duckdb", "pyarrow", "dbt", "fastapi", "uvicorn",
    "slack_sdk", "openpyxl", "sqlalchemy", "alembic", "altair", "css_inline",
}  # fmt: skip
# Dagster and FastAPI are what these two rooms are made of; nobody else imports them.
FRAMEWORK_ROOMS = ("alerting_pipeline.defs", "alerting_pipeline.definitions", "alerting_pipeline.web")

_IMPORT_ALL = """
import importlib, json, sys
deeds = []
def notice(event, arguments):
    is_write = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if is_write or event in ("subprocess.Popen", "socket.connect", "os.mkdir", "os.fork", "sqlite3.connect"):
        deeds.append(f"{event} {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(notice)
import threading
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps({"loaded": sorted({name.split(".")[0] for name in sys.modules}), "deeds": deeds,
                  "threads": threading.active_count()}))
"""


def test_the_contracts_hold_between_the_rooms() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(linter), "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kept, 0 broken" in done.stdout


def test_a_broken_contract_would_be_seen(tmp_path: Path) -> None:
    """The linter, over a copy in which the innermost room imports the outermost."""
    package = tmp_path / "alerting_pipeline"
    for room in ("domain", "rendering", "usecases", "adapters", "store", "defs", "web", "demo", "cli"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    for module in ("__init__", "app", "settings", "definitions", "notebook"):
        (package / f"{module}.py").write_text("")
    (package / "domain" / "wrong.py").write_text("import alerting_pipeline.cli\n")
    (tmp_path / "pyproject.toml").write_text((PROJECT / "pyproject.toml").read_text())
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "alerting_pipeline.domain is not allowed to import alerting_pipeline.cli" in done.stdout


def test_dagster_is_imported_in_its_room_alone() -> None:
    strays = [
        f"{place(path, node)} imports {imported}"
        for name, path in modules().items()
        if not name.startswith(("alerting_pipeline.defs", "alerting_pipeline.definitions"))
        for imported, node in imports(path)
        if imported.split(".")[0] in DAGSTER
    ]
    assert strays == []


def test_importing_any_module_loads_nothing_heavy_and_does_nothing() -> None:
    names = [name for name in modules() if not name.startswith(FRAMEWORK_ROOMS) and not _is_run_elsewhere(name)]
    found = _python(_IMPORT_ALL, json.dumps(names))
    assert HEAVY & set(found["loaded"]) == set()
    assert found["deeds"] == []
    assert found["threads"] == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    script = """
import contextlib, io, json, sys
from alerting_pipeline.cli import main
told = io.StringIO()
with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
    main([sys.argv[1], "--help"])
print(json.dumps({"loaded": sorted({name.split(".")[0] for name in sys.modules}), "told": told.getvalue()}))
"""
    found = _python(script, command)
    assert "Usage: alerting" in found["told"]
    assert (HEAVY | {"psycopg"}) & set(found["loaded"]) == set()


def _is_run_elsewhere(name: str) -> bool:
    """The store is SQLAlchemy, imported when a database is used; `__main__` is what `python -m` runs."""
    return name.startswith("alerting_pipeline.store.") or name.endswith(".__main__")


def _python(script: str, *arguments: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
