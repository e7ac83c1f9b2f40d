"""Takes from everybody what SQL in a definition could do harm with, and gives it back to the roles that need it.

Postgres lets every role call functions that sleep, lock, notify, make large objects, run SQL given as text or change
the session's settings, even in a read-only transaction. Only a superuser can take that away, and only from PUBLIC, so
it is done on the embedded server (which is ours alone) whenever a program starts it. On a foreign server nothing is
taken away unasked: `findings` says what is open, and `script` is what its administrator may run.

Revoking all of pg_catalog breaks casts and operators; so it is a list (fenced_functions). What a later version of
Postgres adds is caught by the allow-list in front. Privileges on functions belong to a database: harden each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from alerting_pipeline.store.fenced_functions import ACTING, INDIRECT, SWELLING, TELLING, TELLING_VIEWS, as_like
from alerting_pipeline.store.roles import ANALYST, APP, READER

TEMP_FILE_LIMIT = "2GB"

_OPEN_FUNCTIONS = """
select p.oid::regprocedure::text
from pg_catalog.pg_proc p
where p.proname like any (%(patterns)s)
    and (p.pronamespace = 'pg_catalog'::regnamespace or p.proname like 'dblink%%')
    and has_function_privilege(%(role)s, p.oid, 'execute')
order by 1
"""
_OPEN_VIEWS = """
select c.relname from pg_catalog.pg_class c
where c.relname = any (%(names)s) and c.relnamespace = 'pg_catalog'::regnamespace
    and has_table_privilege(%(role)s, c.oid, 'select')
order by 1
"""
_GROUPS = """
select g.rolname
from pg_catalog.pg_auth_members m
join pg_catalog.pg_roles g on g.oid = m.roleid
join pg_catalog.pg_roles r on r.oid = m.member
where r.rolname = %(role)s
order by 1
"""
_OWNER = """
select pg_get_userbyid(coalesce(
    (select nspowner from pg_catalog.pg_namespace where nspname = 'ledger'),
    (select datdba from pg_catalog.pg_database where datname = current_database())
))
"""
_IS_MIGHTY = """
select 1 from pg_catalog.pg_roles
where rolname = %(role)s and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
"""
_HAS_DISK_LIMIT = """
select 1 from pg_catalog.pg_roles
where rolname = %(role)s and exists (select from unnest(rolconfig) s where s like 'temp\\_file\\_limit=%%')
"""
_HAS_LANGUAGE = "select 1 where has_language_privilege(%(role)s, 'plpgsql', 'usage')"


def harden(superuser_url: str) -> list[str]:
    """Close what is open to the reader in this database; returns what is still open (see `findings`). Idempotent."""
    with psycopg.connect(superuser_url, autocommit=True, application_name="alerting-harden") as connection:
        if not findings(connection):
            return []
        with connection.transaction():
            # Grants rewrite rows of the catalog, and of two writers of one row the second fails.
            connection.execute("select pg_advisory_xact_lock(hashtext('alerting hardening'))")
            for statement in _statements(connection):
                connection.execute(statement)
        return findings(connection)


def script(connection: psycopg.Connection) -> str:
    """The same as SQL, for the administrator of a foreign server to read and run in this database."""
    return "".join(f"{statement.as_string(connection)};\n" for statement in _statements(connection))


def findings(connection: psycopg.Connection) -> list[str]:
    """What the sandbox of alert SQL lacks in this database, a sentence each. Ask as the owner."""
    return list(_findings(connection))


def _findings(connection: psycopg.Connection) -> Iterator[str]:
    if functions := _functions(connection, (*ACTING, *INDIRECT, *SWELLING, *TELLING)):
        named = ", ".join(function.split("(")[0] for function in functions[:3])
        yield f"{READER} may call {len(functions)} functions that alert SQL must not ({named}, …)"
    if views := _views(connection):
        yield f"{READER} may read settings and sessions of others ({', '.join(views[:3])}, …)"
    if _first(connection, _HAS_LANGUAGE, role=READER):
        yield f"{READER} may run DO blocks"
    for role in (READER, ANALYST):
        if not _first(connection, _HAS_DISK_LIMIT, role=role):
            yield f"{role} may fill the disk by sorting"
    if groups := _column(connection, _GROUPS, role=READER):
        yield f"{READER} is a member of {', '.join(groups)}, and SET ROLE leaves the sandbox"
    if _first(connection, _IS_MIGHTY, role=READER):
        yield f"{READER} has privileges over the whole server"


def _statements(connection: psycopg.Connection) -> Iterator[sql.Composed]:
    reader = sql.Identifier(READER)
    owner = _column(connection, _OWNER)[0]
    keepers = sql.SQL(", ").join(map(sql.Identifier, sorted({owner, APP})))
    tools = sql.SQL(", ").join([keepers, sql.Identifier(ANALYST)])
    for patterns, roles in (((*ACTING, *INDIRECT), keepers), ((*SWELLING, *TELLING), tools)):
        for function in _functions(connection, patterns):
            yield from _moved(sql.SQL("execute on function {}").format(_verbatim(function)), roles)
    for view in _views(connection):
        yield from _moved(sql.SQL("select on pg_catalog.{}").format(sql.Identifier(view)), tools)
    yield from _moved(sql.SQL("usage on language plpgsql").format(), keepers)
    for role in (READER, ANALYST):
        limit = sql.SQL("alter role {} set temp_file_limit = {}")
        yield limit.format(sql.Identifier(role), sql.Literal(TEMP_FILE_LIMIT))
    for group in _column(connection, _GROUPS, role=READER):
        yield sql.SQL("revoke {} from {}").format(sql.Identifier(group), reader)
    yield sql.SQL("alter role {} nosuperuser nobypassrls nocreaterole nocreatedb noreplication").format(reader)


def _moved(privilege: sql.Composed, roles: sql.Composed) -> Iterator[sql.Composed]:
    """From everybody to some."""
    yield sql.SQL("revoke {} from public, {}").format(privilege, sql.Identifier(READER))
    yield sql.SQL("grant {} to {}").format(privilege, roles)


def _verbatim(signature: str) -> sql.Composed:
    """A regprocedure as Postgres prints it: quoted where it has to be."""
    return sql.Composed([sql.SQL(signature)])  # pyright: ignore[reportArgumentType]  # from the catalog, not from people


def _functions(connection: psycopg.Connection, names: Sequence[str]) -> list[str]:
    return _column(connection, _OPEN_FUNCTIONS, role=READER, patterns=[as_like(name) for name in names])


def _views(connection: psycopg.Connection) -> list[str]:
    return _column(connection, _OPEN_VIEWS, role=READER, names=list(TELLING_VIEWS))


def _column(connection: psycopg.Connection, query: str, **arguments: object) -> list[str]:
    return [str(row[0]) for row in connection.execute(query.encode(), arguments)]


def _first(connection: psycopg.Connection, query: str, **arguments: object) -> object:
    return next(iter(_column(connection, query, **arguments)), None)
