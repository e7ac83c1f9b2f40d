"""The delivery side: the outbox, its worker and the channels."""

from __future__ import annotations

import os
import socket
from functools import cached_property
from typing import TYPE_CHECKING

from alerting_pipeline.app.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_sdk import WebClient

    from alerting_pipeline.adapters.channels.registry import Surroundings
    from alerting_pipeline.domain.destination import Destination
    from alerting_pipeline.domain.ports import Channel
    from alerting_pipeline.store.outbox import PostgresOutbox
    from alerting_pipeline.store.tickets import PostgresTicketBook
    from alerting_pipeline.store.write_runs import WriteRuns
    from alerting_pipeline.store.written_rows import PostgresRowLedger
    from alerting_pipeline.usecases.deliver import DeliveryWorker
    from alerting_pipeline.usecases.deliver import Terms as DeliveryTerms
    from alerting_pipeline.usecases.read_tickets import TicketQueue


class Delivery(Reports):
    """From incidents to people."""

    def close(self) -> None:
        """Give back what was taken, the outbox's listener included. Harmless when repeated."""
        if "outbox" in self.__dict__:
            self.outbox.close()
        super().close()

    @cached_property
    def outbox(self) -> PostgresOutbox:
        """What waits to leave; a dead letter opens a system incident, the next success at its destination ends it."""
        from alerting_pipeline.store.dead_letters import DeadLetters
        from alerting_pipeline.store.outbox import PostgresOutbox

        letters = DeadLetters(self.definition_ledger.in_force, self.clock, self.settings.public_url)
        worker = f"{socket.gethostname()}:{os.getpid()}"
        return PostgresOutbox(self.engine, worker=worker, report_dead=letters.report, report_alive=letters.clear)

    @cached_property
    def ticket_book(self) -> PostgresTicketBook:
        """Which incident has which ticket."""
        from alerting_pipeline.store.tickets import PostgresTicketBook

        return PostgresTicketBook(self.engine)

    @property
    def row_ledger(self) -> PostgresRowLedger:
        """Rows that were written, as they were before."""
        from alerting_pipeline.store.written_rows import PostgresRowLedger

        return PostgresRowLedger(self.engine, lambda: self.clock.now())

    @property
    def write_runs(self) -> WriteRuns:
        """Runs with too many rows, which wait for somebody."""
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.write_runs import WriteRuns

        held = self.definition_ledger.in_force()
        return WriteRuns(self.engine, Announcer(held.directory(self.settings.public_url), held.of_incidents))

    @property
    def ticket_queues(self) -> list[TicketQueue]:
        """The ticket destinations in force that can be read back: those whose token is set."""
        from alerting_pipeline.adapters.channels.registry import channel_of
        from alerting_pipeline.adapters.channels.ticket import TicketChannel, TicketSettings
        from alerting_pipeline.usecases.read_tickets import TicketQueue

        queues = []
        for name, destination in sorted(self.definition_ledger.in_force().destinations.items()):
            channel = channel_of(destination, self._surroundings()) if destination.channel == "ticket" else None
            if isinstance(channel, TicketChannel):
                settings = TicketSettings.model_validate(dict(destination.settings))
                queues.append(TicketQueue(name, channel, settings.read_every, settings.all_verdicts))
        return queues

    def delivery_worker(
        self, *, slack_client: Callable[[], WebClient] | None = None, terms: DeliveryTerms | None = None
    ) -> DeliveryWorker:
        """A worker over the outbox. `slack_client` replaces the one made from the settings (Dagster has its own)."""
        from alerting_pipeline.adapters.channels.registry import Channels
        from alerting_pipeline.domain.destination import INBOX
        from alerting_pipeline.store.dead_letters import Remembered
        from alerting_pipeline.usecases.deliver import DeliveryWorker

        held = Remembered(self.definition_ledger.in_force)
        surroundings = self._surroundings(slack_client)
        channels = Channels(lambda name: INBOX if name == INBOX.name else held().book.look_up(name), surroundings)
        return DeliveryWorker(self.outbox, channels, terms)

    def destination(self, name: str) -> Destination | None:
        """The destination of this name, as the files say it now; None if nothing is called so."""
        from alerting_pipeline.domain.destination import INBOX, ad_hoc

        return INBOX if name == INBOX.name else self.loaded_definitions.book.look_up(name) or ad_hoc(name)

    def channel_of(self, destination: Destination) -> Channel:
        """The way to a destination. Raises Undelivered where its settings are wrong."""
        from alerting_pipeline.adapters.channels.registry import channel_of

        return channel_of(destination, self._surroundings())

    def channel_named(self, name: str) -> Channel:
        """The way to a destination in force. Raises Undelivered where there is none."""
        from alerting_pipeline.adapters.channels.registry import Channels

        return Channels(self.definition_ledger.in_force().book.look_up, self._surroundings()).named(name)

    def _surroundings(self, slack_client: Callable[[], WebClient] | None = None) -> Surroundings:
        """What channels may use."""
        from alerting_pipeline.adapters.channels.http_fence import Hosts
        from alerting_pipeline.adapters.channels.registry import Surroundings
        from alerting_pipeline.settings import read_secret

        return Surroundings(
            inbox=self.settings.inbox,
            sheets=self.settings.sheets,
            engine=lambda: self.engine,
            slack_client=slack_client or self._slack_client,
            mail_server=self.settings.smtp_url,
            mail_from=self.settings.mail_from,
            unsubscribed=self.unsubscriptions.among,
            secret=read_secret,
            tickets=lambda: self.ticket_book,
            rows=lambda: self.row_ledger,
            hosts=Hosts(frozenset(self.settings.http_hosts), frozenset(self.settings.private_hosts)),
        )

    @property
    def _slack_client(self) -> Callable[[], WebClient] | None:
        """None without a token: Slack messages then go to the local inbox."""
        token = self.settings.slack_bot_token
        if token is None:
            return None
        from alerting_pipeline.adapters.channels.slack import client_for

        return lambda: client_for(token.get_secret_value(), self.settings.slack_api_url)
