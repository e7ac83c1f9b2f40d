"""The database side: the embedded server or a foreign one, its roles, engines and the clock."""

from __future__ import annotations

import atexit
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self

from alerting_pipeline.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from alerting_pipeline.adapters.analyst_desk import AnalystDesk
    from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
    from alerting_pipeline.adapters.warehouse import Warehouse
    from alerting_pipeline.domain.ports import Clock


class Databases:
    """Addresses and engines, made on first use; `close` gives back what was taken. Use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened: list[Engine] = []
        self._server: EmbeddedPostgres | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections and the lease on the embedded server. Harmless when repeated."""
        while self._opened:
            self._opened.pop().dispose()
        if self._server is not None:
            self._server.release()
            self._server = None
        for kind in type(self).__mro__:
            for name, member in vars(kind).items():
                if isinstance(member, cached_property):
                    self.__dict__.pop(name, None)
        atexit.unregister(self.close)

    @cached_property
    def owner_url(self) -> str:
        """libpq address of the owner; the database is up and at this program's version."""
        from alerting_pipeline.store.migrate import migrate

        if self.settings.database_url is None:
            from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres

            self._server = EmbeddedPostgres(self.settings.home / "postgres")
            self._server.acquire()
            atexit.register(self.close)
            url = self._server.url()
        else:
            url = self.settings.database_url.get_secret_value()
        migrate(url, self._passwords)
        if self._server is not None:
            from alerting_pipeline.store.hardening import harden
            from alerting_pipeline.store.roles import role_url

            harden(role_url(url, "postgres"))
        return url

    @property
    def app_url(self) -> str:
        return self._role_url("alerting_app")

    @property
    def reader_url(self) -> str:
        return self._role_url("alert_reader")

    @property
    def analyst_url(self) -> str:
        return self._role_url("analyst")

    @property
    def superuser_url(self) -> str | None:
        """Address of the embedded server's administrator, in our database; None on a foreign server."""
        if not self.settings.uses_embedded_postgres:
            return None
        from alerting_pipeline.store.roles import role_url

        return role_url(self.owner_url, "postgres")

    @cached_property
    def engine(self) -> Engine:
        """The ledger, as the role that keeps it."""
        return self._engine(self.app_url)

    @cached_property
    def owner_engine(self) -> Engine:
        """The warehouse, as the role that loads and migrates."""
        return self._engine(self.owner_url)

    @cached_property
    def clock(self) -> Clock:
        from alerting_pipeline.store.clock import DatabaseClock, FixedClock

        return DatabaseClock(self.engine) if self.settings.as_of is None else FixedClock(self.settings.as_of)

    @property
    def today(self) -> date:
        """The day that counts as today for what files say of days, without asking a database."""
        return (self.settings.as_of or datetime.now(UTC)).date()

    @cached_property
    def warehouse(self) -> Warehouse:
        """The sandboxed reader of marts, for SQL that other people wrote."""
        from alerting_pipeline.adapters.warehouse import Warehouse

        return Warehouse(self.reader_url)

    @cached_property
    def analyst_desk(self) -> AnalystDesk:
        """Read-only queries of a person."""
        from alerting_pipeline.adapters.analyst_desk import AnalystDesk

        return AnalystDesk(self.analyst_url)

    @property
    def sandbox_script(self) -> str:
        """SQL with which an administrator closes what is open to alert SQL on a foreign server."""
        import psycopg

        from alerting_pipeline.store.hardening import script

        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return script(connection)

    @property
    def sandbox_findings(self) -> list[str]:
        """Fences of alert SQL that this server lacks, a sentence each."""
        import psycopg

        from alerting_pipeline.store.hardening import findings

        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return findings(connection)

    def _engine(self, url: str) -> Engine:
        from alerting_pipeline.store.engine import engine_for

        engine = engine_for(url)
        self._opened.append(engine)
        return engine

    @property
    def _passwords(self) -> dict[str, str] | None:
        """Passwords of our roles; the embedded server's socket needs none."""
        from alerting_pipeline.store.roles import kept_passwords

        return None if self.settings.uses_embedded_postgres else kept_passwords(self.settings.home / "roles.json")

    def _role_url(self, role: str) -> str:
        from alerting_pipeline.store.roles import role_url

        passwords = self._passwords
        return role_url(self.owner_url, role, passwords[role] if passwords else None)
