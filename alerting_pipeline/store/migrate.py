"""Brings the database to this program's version: whoever starts first migrates, under a lock; the others wait."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.roles import ensure_roles, fence_database

_LOCK = 0x616C657274  # "alert": one lock for the set-up of one database
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(owner_url: str, passwords: dict[str, str] | None = None) -> bool:
    """Create roles, schema and tables as far as they are missing. True if something was changed.

    Raises AlertingError where the database was written by a newer program.
    """
    engine = engine_for(owner_url, "alerting-migrate")
    try:
        with engine.connect() as connection:
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            try:
                return _migrate_locked(connection, passwords)
            finally:
                connection.rollback()
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
    except OperationalError as error:
        raise AlertingError(f"The database can't be reached: {str(error.orig).strip().splitlines()[0]}") from error
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None where it was never set up."""
    if connection.execute(text("select to_regclass('ledger.alembic_version')")).scalar() is None:
        return None
    return connection.execute(text("select version_num from ledger.alembic_version")).scalar()


def _migrate_locked(connection: Connection, passwords: dict[str, str] | None) -> bool:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    here, head = current_revision(connection), scripts.get_current_head()
    if here == head:
        return False
    if here is not None and here not in {script.revision for script in scripts.walk_revisions()}:
        raise AlertingError(
            f"The database is at version {here}, newer than this program (version {head}); "
            "start the newer program, or restore the backup made before it was installed"
        )
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  (engine_for names psycopg 3)
    ensure_roles(driver, passwords)
    connection.execute(text("create schema if not exists ledger"))
    fence_database(driver)
    connection.commit()
    command.upgrade(config, "head")
    connection.commit()
    return True
