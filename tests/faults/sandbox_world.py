"""A database worth attacking, and an observer that notices whatever an attack does to it.

The observer is the same for attacks and for their controls: a control does the like with the rights to do it, and must
be noticed. What must not leave is marked with CANARY.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.adapters.sandbox_session import Limits
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.warehouse_error import WarehouseError
from alerting_pipeline.store.roles import READER, fence_database

CANARY = "canary-7f3a9"
LIMITS = Limits(seconds=0.5, lock_seconds=0.3, work_mem_mb=4, rows=20_000, bytes=1_000_000)
LONGEST_WAIT = LIMITS.seconds + 1.0

_TREASURES = f"""
create table raw.secrets as select n as id, '{CANARY}'::text as secret from generate_series(1, 3) n;
create table staging.secrets as select * from raw.secrets;
create table intermediate.secrets as select * from raw.secrets;
create table operations.vault as select * from raw.secrets;
create table ledger.vault as select * from raw.secrets;
create view alerting.vault as select * from ledger.vault;
create schema private;
create table private.secrets as select * from raw.secrets;
create sequence operations.numbers;
create function private.reveal() returns text language sql as $$select '{CANARY}'$$;
create function marts.reveal() returns text language sql security definer as $$select secret from raw.secrets$$;
insert into ledger.parameter_values (alert, parameter, type, scope, value, valid_to, changed_by)
    values ('a', 'old', 'text', 'default', '{CANARY}', clock_timestamp(), 'x');
create table marts.transactions with (autovacuum_enabled = false) as
    select n as transaction_id, n * 10.5 as amount, 'pending'::text as status, '{CANARY}'::text as card
    from generate_series(1, 100) n;
create table marts.not_granted as select * from raw.secrets;
create procedure marts.purge() language sql security definer as $$delete from marts.transactions$$;
grant select on marts.transactions to alert_reader;
analyze raw.secrets;
"""

# What stays as it was. Each is a query of the superuser whose answer an attack must not change.
_FACTS = {
    "rows": """select array[
        (select md5(string_agg(t::text, '' order by t::text)) from marts.transactions t),
        (select md5(string_agg(t::text, '' order by t::text)) from raw.secrets t),
        (select md5(string_agg(t::text, '' order by t::text)) from operations.vault t),
        (select md5(string_agg(t::text, '' order by t::text)) from ledger.parameter_values t),
        (select count(*)::text from ledger.audit_log)]""",
    "objects": """select array[
        (select string_agg(oid::regclass::text || relowner || coalesce(relacl::text, ''), ',' order by oid)
         from pg_class where oid >= 16384 and relkind <> 't'),
        (select string_agg(oid::text || proname || coalesce(proacl::text, ''), ',' order by oid) from pg_proc
         where oid >= 16384),
        (select string_agg(oid || nspname || coalesce(nspacl::text, ''), ',' order by oid) from pg_namespace),
        (select count(*)::text from pg_operator), (select count(*)::text from pg_cast),
        (select count(*)::text from pg_type where oid >= 16384), (select count(*)::text from pg_extension),
        (select count(*)::text from pg_collation), (select count(*)::text from pg_description),
        (select count(*)::text from pg_default_acl), (select count(*)::text from pg_trigger),
        (select count(*)::text from pg_policy), (select count(*)::text from pg_foreign_server)]""",
    "large objects": "select array_agg(oid order by oid) from pg_largeobject_metadata",
    "databases": "select array_agg(datname::text) from pg_database where datname = 'stolen'",
    "roles": """select array[
        (select string_agg(r::text, ',' order by r.oid) from pg_authid r
         where rolname in ('alert_reader', 'alerting_app', 'alerting_owner', 'analyst', 'postgres', 'stolen')),
        (select string_agg(m::text, ',' order by m.oid) from pg_auth_members m where member = 'alert_reader'::regrole),
        (select string_agg(s::text, ',' order by s.setdatabase, s.setrole) from pg_db_role_setting s
         where setdatabase in (0, (select oid from pg_database where datname = current_database())))]""",
    "sequence": "select array[last_value::text, is_called::text] from operations.numbers",
    "server": "select array[pg_postmaster_start_time()::text, pg_conf_load_time()::text, count(*)::text] "
    "from pg_file_settings where not applied is true",
    "slots": "select array[(select count(*) from pg_replication_slots), (select count(*) from pg_replication_origin), "
    "(select count(*) from pg_prepared_xacts), (select count(*) from pg_publication)]",
    "sessions": "select array_agg(pid order by pid) from pg_stat_activity where application_name like 'victim%'",
}


@dataclass
class World:
    """One database with treasures, victims and a folder that the server may write to."""

    database: str
    server: EmbeddedPostgres
    folder: Path
    victims: list[psycopg.Connection]
    large_object: int
    listener: psycopg.Connection
    observer: psycopg.Connection
    warehouse: Warehouse = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = Warehouse(self.url(READER), LIMITS)

    def url(self, role: str) -> str:
        return self.server.url(role, self.database)

    def fill(self, text: str) -> str:
        """An attack's text with this world's names in it."""
        words = {
            "VICTIM": str(self.victims[0].info.backend_pid),
            "READABLE": str(self.folder / "readable"),
            "TARGET": str(self.folder / f"made-{uuid.uuid4().hex[:6]}"),
            "OBJECT": str(self.large_object),
            "DATABASE": self.database,
        }
        for word, value in words.items():
            text = text.replace(f"<{word}>", value)
        return text

    def state(self) -> dict[str, object]:
        """Everything that the observer looks at."""
        facts: dict[str, object] = {name: self._fact(query) for name, query in _FACTS.items()}
        facts["files"] = sorted(path.name for path in self.folder.iterdir())
        facts["locks"] = self._fact(
            "select array_agg(l.locktype || coalesce(l.objid, 0)) from pg_locks l join pg_stat_activity a using (pid) "
            "where l.locktype = 'advisory' and a.application_name not like 'victim%' and l.database = "
            "(select oid from pg_database where datname = current_database())"
        )
        facts["notifications"] = [note.payload for note in self.listener.notifies(timeout=0)]
        facts["next session"] = self._next_session()
        return facts

    def _fact(self, query: str) -> object:
        row = self.observer.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _next_session(self) -> list[str]:
        """What somebody who connects afterwards finds: settings, temporary objects, prepared statements."""
        names = ("statement_timeout", "search_path", "default_transaction_read_only", "temp_file_limit", "role")
        with psycopg.connect(self.url(READER), autocommit=True) as connection:
            found = [str(connection.execute(f"show {name}".encode()).fetchone()) for name in names]
            temporary = connection.execute("select count(*) from pg_class where relnamespace = pg_my_temp_schema()")
            return [*found, str(temporary.fetchone())]


@dataclass(frozen=True)
class Outcome:
    """What came of an attack: what it was given, how it ended, and what the observer found changed."""

    output: str
    error: str
    sqlstate: str | None
    seconds: float
    changed: list[str]
    is_refused: bool


@contextmanager
def make_world(server: EmbeddedPostgres, template: str, folder: Path) -> Iterator[World]:
    name = f"test_world_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    owner, administrator = server.url(database=name), server.url("postgres", name)
    with psycopg.connect(owner, autocommit=True) as connection:
        fence_database(connection)
        connection.execute(_TREASURES.encode())
        row = connection.execute("select lo_from_bytea(0, %s)", [CANARY.encode()]).fetchone()
        assert row is not None
    folder.mkdir(parents=True, exist_ok=True)
    for parent in (folder, *folder.parents):  # the server's user has to get here, or files could never be made
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    folder.chmod(0o777)
    (folder / "readable").write_text(CANARY)
    (folder / "readable").chmod(0o644)
    victims = [
        psycopg.connect(server.url(role, name), autocommit=True, application_name=f"victim {CANARY}")
        for role in (READER, "alerting_app")
    ]
    listener = psycopg.connect(administrator, autocommit=True, application_name="victim listener")
    listener.execute("listen channel")
    observer = psycopg.connect(administrator, autocommit=True)
    observer.execute(
        f"alter role alerting_app in database {name} set custom.secret = '{CANARY}';"
        f"alter role alert_reader in database {name} set temp_file_limit = '8MB'".encode()
    )
    for victim in victims:
        victim.execute(f"select '{CANARY}'".encode())
    world = World(name, server, folder, victims, row[0], listener, observer)
    try:
        yield world
    finally:
        for connection in (*victims, listener, observer):
            connection.close()
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def observe(world: World, text: str, attack: Callable[[World, str], str]) -> Outcome:
    """Run the attack between two looks of the observer."""
    before = world.state()
    text = world.fill(text)
    output, error, sqlstate, is_refused = "", "", None, False
    began = time.monotonic()
    try:
        output = attack(world, text)
    except (WarehouseError, psycopg.Error) as failure:
        error, is_refused = str(failure), True
        sqlstate = failure.sqlstate
    seconds = time.monotonic() - began
    _wait_for_the_end_of_sessions(world)
    after = world.state()
    changed = [name for name in before if before[name] != after[name]]
    return Outcome(output, error, sqlstate, seconds, changed, is_refused)


def by_stream(world: World, text: str) -> str:
    return b"".join(world.warehouse.stream(text)).decode()


def by_rows(world: World, text: str) -> str:
    return str(world.warehouse.rows(text))


def by_bare_connection(world: World, text: str, role: str = READER) -> str:
    """Without our session: nothing but the role stands. Several statements, autocommit, no read-only transaction."""
    options = "-c default_transaction_read_only=off -c statement_timeout=500"
    with psycopg.connect(world.url(role), autocommit=True, options=options) as connection:
        cursor = connection.execute(text.encode())
        found = []
        while True:
            if cursor.description is not None:
                found.append(str(cursor.fetchall()))
            if not cursor.nextset():
                return "".join(found)


def _wait_for_the_end_of_sessions(world: World) -> None:
    """A closed session lives on for a moment; what it still holds then is not what the attack left."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        row = world.observer.execute(
            "select count(*) from pg_stat_activity where usename = 'alert_reader' and datname = current_database() "
            "and application_name not like 'victim%'"
        ).fetchone()
        if row == (0,):
            return
        time.sleep(0.02)
    raise AssertionError("a session of the reader outlives its query by ten seconds")
