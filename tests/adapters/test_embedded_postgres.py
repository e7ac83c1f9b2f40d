"""The embedded server: started by the first lease, stopped by the last, in any path."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.domain.errors import AlertingError


def is_up(server: EmbeddedPostgres) -> bool:
    try:
        psycopg.connect(server.url(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "it's a deep path, with commas" / ("and far too long for a socket address " * 2).strip()


def test_the_last_lease_stops_the_server_and_not_before(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder, 64), EmbeddedPostgres(folder, 64)
    first.acquire()
    second.acquire()
    first.release()
    assert is_up(second)
    second.release()
    assert not is_up(second)


def test_a_killed_process_leaves_no_lease(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), 64).acquire(); print('up', flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    server = EmbeddedPostgres(folder, 64)
    server.acquire()
    assert is_up(server)
    server.release()
    assert not is_up(server)


def test_parent_folders_keep_their_mode(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.parent.chmod(0o750)
    server = EmbeddedPostgres(folder, 64)
    server.acquire()
    server.release()
    assert folder.parent.stat().st_mode & 0o777 == 0o750


def test_a_path_that_a_shell_would_read_differently_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlertingError, match="path with '\\$'; set ALERTING_HOME"):
        EmbeddedPostgres(tmp_path / "$HOME" / "x").acquire()


def test_the_owner_is_not_a_superuser(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)
