"""The composition root: the only place where adapters and store are constructed.

Everything is made on first use, so that a command pays only for what it needs; `close` gives back what was taken.
"""

from __future__ import annotations

import atexit
import os
import socket
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from alerting_pipeline.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slack_sdk import WebClient
    from sqlalchemy import Engine

    from alerting_pipeline.adapters.analyst_desk import AnalystDesk
    from alerting_pipeline.adapters.dbt_project import DbtProject
    from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
    from alerting_pipeline.adapters.source_declarations import Declared
    from alerting_pipeline.adapters.source_files import LocalFiles
    from alerting_pipeline.adapters.warehouse import Warehouse
    from alerting_pipeline.domain.case import Step
    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.catalog import Catalog
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.evaluation import EvaluationResult
    from alerting_pipeline.domain.evaluation_ports import Transaction
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.ports import Clock, Progress
    from alerting_pipeline.store.definitions import DefinitionLedger
    from alerting_pipeline.store.due_work import PostgresDueWork
    from alerting_pipeline.store.incident_desk import IncidentDesk
    from alerting_pipeline.store.mart_health import PostgresMartHealth
    from alerting_pipeline.store.outbox import PostgresOutbox
    from alerting_pipeline.store.raw_tables import PostgresRawTables
    from alerting_pipeline.store.system_incidents import SystemIncidents
    from alerting_pipeline.usecases.deliver import DeliveryWorker
    from alerting_pipeline.usecases.deliver import Terms as DeliveryTerms
    from alerting_pipeline.usecases.evaluate import Evaluator
    from alerting_pipeline.usecases.publish import Published


class App:
    """One program's parts, wired to one configuration. Use as a context manager, or call `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened: list[Engine] = []
        self._server: EmbeddedPostgres | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Wired to the environment's settings. Raises BadCall where one of them can't be."""
        return cls(read_settings())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections and the lease on the embedded server. Harmless when repeated."""
        if "outbox" in self.__dict__:
            self.outbox.close()
        while self._opened:
            self._opened.pop().dispose()
        if self._server is not None:
            self._server.release()
            self._server = None
        for name in (
            "owner_url",
            "engine",
            "owner_engine",
            "clock",
            "warehouse",
            "analyst_desk",
            "raw_tables",
            "definition_ledger",
            "outbox",
        ):
            self.__dict__.pop(name, None)
        atexit.unregister(self.close)

    # ---- database -------------------------------------------------------------------------------------------------

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
    def sandbox_findings(self) -> list[str]:
        """Fences of alert SQL that this server lacks, a sentence each."""
        import psycopg

        from alerting_pipeline.store.hardening import findings

        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return findings(connection)

    # ---- sources --------------------------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> Declared:
        """The declared sources; read from the files, no dbt and no database."""
        from alerting_pipeline.adapters.source_declarations import read_sources

        return read_sources(self.settings.dbt_project)

    @cached_property
    def source_files(self) -> LocalFiles:
        """What lies in the landing folder, or at another location."""
        from alerting_pipeline.adapters.content_hashes import ContentHashes
        from alerting_pipeline.adapters.source_files import LocalFiles

        return LocalFiles(self.settings.landing, ContentHashes(self.settings.home / "content_hashes.sqlite"))

    @cached_property
    def raw_tables(self) -> PostgresRawTables:
        """The tables that sources are loaded into, and the ledger of loads."""
        from alerting_pipeline.store.raw_tables import PostgresRawTables

        return PostgresRawTables(self.owner_url)

    # ---- dbt ------------------------------------------------------------------------------------------------------

    @cached_property
    def dbt_project(self) -> DbtProject:
        """The transformations; parsing needs no database, building brings it up."""
        from alerting_pipeline.adapters.dbt_project import DbtProject
        from alerting_pipeline.settings import child_environment

        return DbtProject(
            self.settings.dbt_project,
            self.settings.home,
            self.settings.database_name,
            lambda: self.owner_url,
            child_environment(self.settings),
        )

    # ---- definitions ----------------------------------------------------------------------------------------------

    @cached_property
    def catalog(self) -> Catalog:
        """The dbt models that definitions may read; dbt parses its project if it changed, without a database."""
        from alerting_pipeline.adapters.dbt_manifest import load_catalog

        return load_catalog(self.dbt_project.parse())

    @property
    def loaded_definitions(self) -> Loaded:
        """The definition files as they are now, read and checked, with every problem."""
        from alerting_pipeline.adapters.definition_files import load

        return load(self.settings.definitions, self.catalog, project=self.settings.project)

    @cached_property
    def definition_ledger(self) -> DefinitionLedger:
        """The definitions in force; `publish` puts the files into force."""
        from alerting_pipeline.store.definitions import DefinitionLedger

        return DefinitionLedger(self.engine, self.settings.public_url)

    def publish_definitions(self) -> Published:
        """Put the definition files into force; bad ones leave the last good version as it is. Repeatable."""
        from alerting_pipeline.adapters.git_revision import git_revision
        from alerting_pipeline.usecases.publish import publish

        revision = partial(git_revision, self.settings.definitions)
        return publish(self.loaded_definitions, self.definition_ledger, self.clock, revision)

    @cached_property
    def due_work(self) -> PostgresDueWork:
        """Work that is due once."""
        from alerting_pipeline.store.due_work import PostgresDueWork

        return PostgresDueWork(self.engine)

    @cached_property
    def mart_health(self) -> PostgresMartHealth:
        """What the last build said of each mart."""
        from alerting_pipeline.store.mart_health import PostgresMartHealth

        return PostgresMartHealth(self.engine)

    @cached_property
    def system_incidents(self) -> SystemIncidents:
        """Findings about the alerting itself, such as a run that failed."""
        from alerting_pipeline.store.system_incidents import SystemIncidents

        return SystemIncidents(self.engine, self.definition_ledger.in_force, self.clock, self.settings.public_url)

    # ---- evaluation -----------------------------------------------------------------------------------------------

    def evaluator(self) -> Evaluator:
        """Evaluates the definitions that are in force now; `publish_definitions` comes first where files changed."""
        from alerting_pipeline.adapters.marts import Marts
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.rendering.announcement import Directory
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator

        held = self.definition_ledger.in_force()
        directory = Directory(held.routing, held.destinations, self.settings.public_url)
        ledger = EvaluationLedger(self.engine, directory)
        return Evaluator(held.alerts, ledger, Scanner(self.warehouse, Marts(self.catalog)))

    def rehearse(self, definitions: Sequence[AlertDefinition], progress: Progress) -> list[CaseResult]:
        """Run the cases of these definitions; nothing that they do is kept."""
        from alerting_pipeline.adapters.marts import CaseRows
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.evaluation import Order
        from alerting_pipeline.domain.relation import parameters_of
        from alerting_pipeline.rendering.announcement import Directory
        from alerting_pipeline.store.definitions import InForce
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator
        from alerting_pipeline.usecases.rehearse import rehearse

        nobody = InForce()
        ledger = EvaluationLedger(self.engine, Directory(nobody.routing, nobody.destinations, self.settings.public_url))

        def evaluate(
            transaction: Transaction, definition: AlertDefinition, step: Step, number: int
        ) -> EvaluationResult:
            rows, parameters = CaseRows(self.catalog, step), parameters_of(definition, step.parameters)
            evaluator = Evaluator({definition.alert: definition}, ledger, Scanner(self.warehouse, rows, parameters))
            return evaluator.within(transaction, [definition], Order(f"case:{number}", step.at))[0]

        return rehearse(definitions, ledger, evaluate, progress)

    @property
    def incident_desk(self) -> IncidentDesk:
        """Incidents for people: to look at, and to act on."""
        from alerting_pipeline.rendering.announcement import Directory
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.incident_desk import IncidentDesk

        held = self.definition_ledger.in_force()
        directory = Directory(held.routing, held.destinations, self.settings.public_url)
        return IncidentDesk(self.engine, Announcer(directory, held.alerts))

    # ---- delivery -------------------------------------------------------------------------------------------------

    @cached_property
    def outbox(self) -> PostgresOutbox:
        """What waits to leave; a dead letter opens a system incident, the next success at its destination ends it."""
        from alerting_pipeline.store.dead_letters import DeadLetters
        from alerting_pipeline.store.outbox import PostgresOutbox

        letters = DeadLetters(self.definition_ledger.in_force, self.clock, self.settings.public_url)
        worker = f"{socket.gethostname()}:{os.getpid()}"
        return PostgresOutbox(self.engine, worker=worker, report_dead=letters.report, report_alive=letters.clear)

    def delivery_worker(
        self, *, slack_client: Callable[[], WebClient] | None = None, terms: DeliveryTerms | None = None
    ) -> DeliveryWorker:
        """A worker over the outbox. `slack_client` replaces the one made from the settings (Dagster has its own)."""
        from alerting_pipeline.adapters.channels.registry import Channels, Surroundings
        from alerting_pipeline.domain.loaded import INBOX
        from alerting_pipeline.store.dead_letters import Remembered
        from alerting_pipeline.usecases.deliver import DeliveryWorker

        held = Remembered(self.definition_ledger.in_force)
        surroundings = Surroundings(
            inbox=self.settings.inbox,
            sheets=self.settings.sheets,
            engine=lambda: self.engine,
            slack_client=slack_client or self._slack_client,
            mail_server=self.settings.smtp_url,
            mail_from=self.settings.mail_from,
        )
        channels = Channels(lambda name: {INBOX.name: INBOX, **held().destinations}.get(name), surroundings)
        return DeliveryWorker(self.outbox, channels, terms)

    @property
    def _slack_client(self) -> Callable[[], WebClient] | None:
        """None without a token: Slack messages then go to the local inbox."""
        token = self.settings.slack_bot_token
        if token is None:
            return None
        from alerting_pipeline.adapters.channels.slack import client_for

        return lambda: client_for(token.get_secret_value(), self.settings.slack_api_url)

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
