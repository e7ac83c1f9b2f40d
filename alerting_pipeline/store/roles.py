"""The four roles and what fences them inside one database.

owner (the address in ALERTING_DATABASE_URL) migrates, loads and runs dbt; `alerting_app` keeps the ledger;
`alert_reader` runs the SQL of definitions; `analyst` reads. Roles belong to the whole server, fences to a database.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from alerting_pipeline.domain.errors import AlertingError

APP, READER, ANALYST = "alerting_app", "alert_reader", "analyst"
ROLES = (APP, READER, ANALYST)


def role_url(owner_url: str, role: str, password: str | None = None) -> str:
    """The owner's address with another role in it."""
    parts = urlsplit(owner_url)
    address = parts.netloc.rpartition("@")[2]
    login = quote(role, safe="") if password is None else f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{address}"))


def kept_passwords(path: Path) -> dict[str, str]:
    """Passwords of our roles on a foreign server: made once, kept in a file only its owner may read."""
    if path.exists():
        return json.loads(path.read_text())
    passwords = {role: secrets.token_urlsafe(32) for role in ROLES}
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(passwords, file)
    return passwords


def ensure_roles(connection: psycopg.Connection, passwords: dict[str, str] | None) -> None:
    """Create the roles that are missing and set their passwords, where there are any."""
    for role in ROLES:
        name = sql.Identifier(role)
        if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
            try:
                connection.execute(sql.SQL("create role {} login noinherit").format(name))
            except psycopg.errors.InsufficientPrivilege as error:
                raise AlertingError(
                    f"The role {role} is missing and {connection.info.user} may not create it; "
                    f"run `create role {role} login noinherit` as an administrator, or give that user CREATEROLE"
                ) from error
        if passwords:
            connection.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(passwords[role])))


def fence_database(connection: psycopg.Connection) -> None:
    """Who may connect to this database, and who may make temporary tables in it (the reader may not)."""
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    for role in ROLES:
        connection.execute(sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(role)))
    connection.execute(sql.SQL("grant temporary on database {} to {}").format(database, sql.Identifier(APP)))
    connection.execute("revoke all on schema public from public")
