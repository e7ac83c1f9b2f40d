"""Which channel serves a destination: the built-in ones, and those of others by entry point.

A third party adds a channel with an entry point in the group `alerting_pipeline.channels`: its name is the channel's in
destinations.yaml, its object a function `(destination, surroundings) -> Channel`. It may raise a pydantic
ValidationError for wrong settings, at once and without any connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr, ValidationError

from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.adapters.channels.subscribed import Unsubscribed
from alerting_pipeline.domain.destination import REPORT_MAIL, Destination, ad_hoc
from alerting_pipeline.domain.ports import Channel, Delivery, Undelivered

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from sqlalchemy import Engine

    from alerting_pipeline.domain.ticket import TicketBook
    from alerting_pipeline.domain.written_row import RowLedger

GROUP = "alerting_pipeline.channels"


@dataclass(frozen=True)
class Surroundings:
    """What channels may use. Without Slack client, mail server or a channel's secret, messages go to the local inbox.

    `secret` gives what a variable holds, None where it is not set; `hosts` may be reached by HTTP.
    """

    inbox: Path
    sheets: Path
    engine: Callable[[], Engine]
    slack_client: Callable[[], WebClient] | None = None
    mail_server: SecretStr | None = None
    mail_from: str = "alerting-pipeline <alerts@localhost>"
    unsubscribed: Unsubscribed = lambda subscriptions: ()
    secret: Callable[[str], SecretStr | None] = lambda name: None
    tickets: Callable[[], TicketBook] | None = None
    rows: Callable[[], RowLedger] | None = None
    hosts: Hosts = field(default_factory=Hosts)

    @property
    def row_ledger(self) -> RowLedger | None:
        """Where rows are noted as they were; None where nothing is kept."""
        return self.rows() if self.rows is not None else None

    def lacks(self, *names: str) -> str:
        """The first of these variables that is not set; an empty text if all are."""
        return next((name for name in names if self.secret(name) is None), "")


Build = Callable[[Destination, Surroundings], Channel]
LookUp = Callable[[str], Destination | None]


class Channels:
    """The channel of each delivery, made on first use, and anew when its destination's settings change. Thread-safe."""

    def __init__(self, look_up: LookUp, surroundings: Surroundings) -> None:
        self._look_up = look_up
        self._surroundings = surroundings
        self._made: dict[str, tuple[Destination, Channel]] = {}
        self._lock = threading.Lock()

    def __call__(self, delivery: Delivery) -> Channel:
        """Raises Undelivered, for good, where the destination is gone or its settings are wrong."""
        return self.named(delivery.destination)

    def named(self, name: str) -> Channel:
        """The channel of a destination by its name; raises as above."""
        destination = self._look_up(name) or ad_hoc(name)
        if destination is None:
            reason = f'"{name}" is not in destinations.yaml; add it, then `alerting outbox retry`'
            raise Undelivered(reason, retryable=False)
        with self._lock:
            made_for, channel = self._made.get(name, (None, None))
            if channel is None or made_for != destination:
                channel = channel_of(destination, self._surroundings)
                self._made[name] = (destination, channel)
            return channel


def channel_of(destination: Destination, surroundings: Surroundings) -> Channel:
    """The way to a destination. Raises Undelivered, for good, where its settings are wrong."""
    problems = check(destination)
    if problems:
        raise Undelivered(f"{destination.name}: {problems[0]}", retryable=False)
    return builders()[destination.channel](destination, surroundings)


def check(destination: Destination) -> list[str]:
    """What is wrong with a destination's settings, as sentences; nothing is connected to."""
    build = builders().get(destination.channel)
    if build is None:
        return [f'there is no channel "{destination.channel}"; there are {", ".join(sorted(builders()))}']
    try:
        build(destination, _NOWHERE)
    except ValidationError as error:
        return [_sentence(item["loc"], item["msg"]) for item in error.errors()]
    except Undelivered as error:
        return [error.reason]
    return []


def file_name(name: str) -> str:
    """The name of a destination, as one of a file."""
    return "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in name) or "sheet"


@lru_cache(maxsize=1)
def builders() -> dict[str, Build]:
    """Channel name → how to build it. A built-in name can't be taken over."""
    foreign = {point.name: _loading(point.load) for point in entry_points(group=GROUP)}
    return {**foreign, **_BUILT_IN}


def _loading(load: Callable[[], Build]) -> Build:
    return lambda destination, surroundings: load()(destination, surroundings)


def _slack(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.slack import SlackChannel, SlackSettings

    settings = SlackSettings.model_validate({"to": destination.name, **destination.settings})
    if surroundings.slack_client is None:
        return _inbox(surroundings, to=settings.to, missing="SLACK_BOT_TOKEN")
    return SlackChannel(settings, surroundings.slack_client)


def _email(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.email import EmailChannel, EmailSettings

    if destination.name == REPORT_MAIL.name:
        return _letters(destination, surroundings)
    settings = EmailSettings.model_validate({"to": [destination.name], **destination.settings})
    if surroundings.mail_server is None:
        return _inbox(surroundings, to=list(settings.to), sender=surroundings.mail_from, missing="ALERTING_SMTP_URL")
    return EmailChannel(settings, surroundings.mail_server, surroundings.mail_from)


def _letters(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.letter import LetterChannel, LetterSettings
    from alerting_pipeline.adapters.channels.subscribed import subscribed

    settings = LetterSettings.model_validate(dict(destination.settings))
    if surroundings.mail_server is None:
        channel = _inbox(surroundings, sender=surroundings.mail_from, missing="ALERTING_SMTP_URL")
    else:
        channel = LetterChannel(settings, surroundings.mail_server, surroundings.mail_from)
    return subscribed(channel, surroundings.unsubscribed)


def _webhook(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.http_client import HttpClient
    from alerting_pipeline.adapters.channels.webhook import WebhookChannel, WebhookSettings

    settings = WebhookSettings.model_validate(dict(destination.settings))
    if missing := surroundings.lacks(*settings.secrets):
        return _inbox(surroundings, to=settings.url or destination.name, missing=missing)
    return WebhookChannel(settings, surroundings.secret, HttpClient(surroundings.hosts))


def _pagerduty(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.http_client import HttpClient
    from alerting_pipeline.adapters.channels.pagerduty import PagerdutyChannel, PagerdutySettings

    settings = PagerdutySettings.model_validate(dict(destination.settings))
    if missing := surroundings.lacks(settings.routing_key_env):
        return _inbox(surroundings, to=destination.name, missing=missing)
    return PagerdutyChannel(settings, surroundings.secret, HttpClient(surroundings.hosts))


def _ticket(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.github_issues import GithubIssues
    from alerting_pipeline.adapters.channels.http_client import HttpClient
    from alerting_pipeline.adapters.channels.jira_issues import JiraIssues
    from alerting_pipeline.adapters.channels.ticket import TicketChannel, TicketSettings

    settings = TicketSettings.model_validate(dict(destination.settings))
    missing = surroundings.lacks(settings.token_env)
    if missing or surroundings.tickets is None:
        return _inbox(surroundings, to=settings.repository or f"{settings.url} {settings.project}", missing=missing)
    system = {"github": GithubIssues, "jira": JiraIssues}[settings.system]
    client = HttpClient(surroundings.hosts)
    return TicketChannel(settings, system(settings, surroundings.secret, client), surroundings.tickets())


def _apprise(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.apprise_url import AppriseChannel, AppriseSettings

    settings = AppriseSettings.model_validate(dict(destination.settings))
    if missing := surroundings.lacks(settings.url_env):
        return _inbox(surroundings, to=destination.name, missing=missing)
    return AppriseChannel(settings, surroundings.secret)


def _sheet(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.sheet import SheetChannel, SheetSettings

    settings = SheetSettings.model_validate(dict(destination.settings))
    path = surroundings.sheets / (settings.file or f"{file_name(destination.name)}.xlsx")
    return SheetChannel(settings, path, surroundings.row_ledger)


def _table(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.table import TableChannel, TableSettings

    settings = TableSettings.model_validate(dict(destination.settings))
    return TableChannel(settings, destination.name, surroundings.engine, surroundings.row_ledger)


def _csv(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.csv_file import CsvChannel, CsvSettings

    settings = CsvSettings.model_validate(dict(destination.settings))
    path = surroundings.sheets / (settings.file or f"{file_name(destination.name)}.csv")
    return CsvChannel(settings, path, surroundings.row_ledger)


def _parameter_sheet(destination: Destination, surroundings: Surroundings) -> Channel:
    from alerting_pipeline.adapters.channels.parameter_sheet import NoMessages, ParameterSheetSettings

    ParameterSheetSettings.model_validate(dict(destination.settings))
    return NoMessages(destination.name)


def _file(destination: Destination, surroundings: Surroundings) -> Channel:
    return _inbox(surroundings)


def _inbox(surroundings: Surroundings, **details: object) -> Channel:
    from alerting_pipeline.adapters.channels.file import FileChannel

    return FileChannel(surroundings.inbox, details=details)


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in place)
    said = message.removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _no_engine() -> Engine:
    raise Undelivered("no database is used for a check", retryable=False)


_BUILT_IN: dict[str, Build] = {
    "slack": _slack,
    "email": _email,
    "webhook": _webhook,
    "pagerduty": _pagerduty,
    "ticket": _ticket,
    "apprise": _apprise,
    "sheet": _sheet,
    "table": _table,
    "csv": _csv,
    "parameter_sheet": _parameter_sheet,
    "file": _file,
}
_NOWHERE = Surroundings(Path("/nonexistent"), Path("/nonexistent"), _no_engine)
