"""What tests share: one embedded Postgres per run, a database per test made from a template, dbt parsed once."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.store.hardening import harden
from alerting_pipeline.store.migrate import migrate
from alerting_pipeline.store.roles import ANALYST, APP, READER, fence_database

PROJECT = Path(__file__).parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"
TEMPLATE = "template_ledger"
# A file is one worker's. One that takes long and comes late leaves the other worker with nothing to do, so these come
# first: those with whole stories, and then those that took more than ten seconds when that was last looked at.
LONG_STORIES = ("scenario", "faults", "browser")
LONG_FILES = (
    "demo/test_generate.py", "cli/test_plan_command.py", "cli/test_new_command.py", "usecases/test_sweep.py",
    "adapters/test_dbt_project.py", "usecases/test_on_call.py", "defs/test_graph.py", "usecases/test_backtest.py",
)  # fmt: skip


@dataclass(frozen=True)
class Database:
    """A migrated database of a test's own, and how each role reaches it (libpq addresses)."""

    name: str
    server: EmbeddedPostgres

    @property
    def superuser_url(self) -> str:
        return self.server.url("postgres", self.name)

    @property
    def owner_url(self) -> str:
        return self.server.url(database=self.name)

    @property
    def app_url(self) -> str:
        return self.server.url(APP, self.name)

    @property
    def reader_url(self) -> str:
        return self.server.url(READER, self.name)

    @property
    def analyst_url(self) -> str:
        return self.server.url(ANALYST, self.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; within a file and among the others everything keeps its order."""
    stories = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG_STORIES)}

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return item.path not in stories, not item.path.as_posix().endswith(LONG_FILES)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the shell that runs them has set."""
    for name in list(os.environ):
        if name.startswith(("ALERTING_", "SLACK_", "GOOGLE_", "DBT_", "PG", "DAGSTER_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder shared by all workers of one run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The one server of the run. Its path has a space, as people's paths do."""
    server = EmbeddedPostgres(run_folder / "embedded postgres", shared_buffers_mb=128)
    server.acquire()
    yield server
    server.release()


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres, run_folder: Path) -> str:
    with (run_folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(postgres.url(database="postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [TEMPLATE]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
                migrate(postgres.url(database=TEMPLATE))
                harden(postgres.url("postgres", TEMPLATE))
    return TEMPLATE


_numbers = itertools.count()


@contextmanager
def make_database(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A database made from the template, as long as it is needed."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}_{uuid.uuid4().hex[:6]}"
    create = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        for attempt in range(20):  # autovacuum may be looking at the template
            try:
                connection.execute(create)
                break
            except psycopg.errors.ObjectInUse:
                if attempt == 19:
                    raise
                time.sleep(0.1)
    with psycopg.connect(server.url(database=name), autocommit=True) as connection:
        fence_database(connection)
    yield Database(name, server)
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database(postgres: EmbeddedPostgres, template_database: str) -> Iterator[Database]:
    with make_database(postgres, template_database) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ALERTING_HOME of the test's own."""
    folder = tmp_path / "a home"
    folder.mkdir()
    monkeypatch.setenv("ALERTING_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real input that lies beside the project on some machines; the project never depends on it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real input data (../shared/data) is not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def dbt_manifest(run_folder: Path) -> Path:
    """manifest.json of dbt_project, parsed once per run; needs no database."""
    target = run_folder / "dbt target"
    with (run_folder / "dbt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "manifest.json").exists():
            import subprocess
            import sys

            dbt = Path(sys.executable).parent / "dbt"
            project = PROJECT / "dbt_project"
            done = subprocess.run(
                [str(dbt), "parse", "--project-dir", str(project), "--profiles-dir", str(project),
                 "--target-path", str(target), "--log-path", str(run_folder / "dbt logs")],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            shutil.copy(target / "manifest.json", target / "manifest.copy.json")
    return target / "manifest.json"
