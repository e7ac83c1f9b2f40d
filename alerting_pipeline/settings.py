"""The only reader of the environment: typed, validated once, secrets as SecretStr.

Every variable is optional, and any secret may be given as NAME_FILE (a path to a file that holds it).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from alerting_pipeline.domain.errors import BadCall

_POSTGRES_SCHEMES = {"postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"}


def _postgres(value: SecretStr) -> SecretStr:
    scheme, _, rest = value.get_secret_value().partition("://")
    if scheme not in _POSTGRES_SCHEMES or not rest:
        raise ValueError("is not a Postgres address; write postgresql://user:password@host:5432/database")
    return SecretStr(f"postgresql://{rest}")


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("is not a web address; write http://host or https://host")
    return value.rstrip("/")


def _secret_http(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a web address; write http://host/path or https://host/path")
    return value


def _smtp(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("is not a mail server; write smtp://user:password@host:587 or smtps://host:465")
    return value


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _host_list(value: object) -> object:
    """Hosts between commas, each with or without a port."""
    if not isinstance(value, str):
        return value
    hosts = [host.strip().lower().rstrip(".") for host in value.split(",") if host.strip()]
    if any("/" in host or "*" in host or "@" in host for host in hosts):
        raise ValueError("holds hosts, not addresses; write hooks.example.com, internal.example.com:8443")
    return hosts


HostList = Annotated[tuple[str, ...], BeforeValidator(_host_list)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
HttpUrl = Annotated[str, AfterValidator(_http)]


class Settings(BaseModel):
    """What a person configured. Paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: Path
    home: Path = Field(description="The folder of all state: embedded Postgres, inbox, sheets, landing folder, logs.")
    definitions: Path = Field(description="The folder of the alert definitions.")
    dbt_project: Path
    database_url: PostgresUrl | None = Field(default=None, description="Your Postgres; without it an embedded one.")
    warehouse_url: PostgresUrl | None = Field(
        default=None, description="Not in force yet: marts and ledger share one database."
    )
    slack_bot_token: SecretStr | None = Field(
        default=None, description="A bot with chat:write and channels:history; without it: the local inbox."
    )
    slack_signing_secret: SecretStr | None = Field(default=None, description="Not in force yet: for buttons.")
    slack_app_token: SecretStr | None = Field(default=None, description="Not in force yet: for buttons.")
    slack_api_url: HttpUrl | None = Field(default=None, description="Another address than Slack's own, for tests.")
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] | None = Field(
        default=None, description="smtp://user:password@host:587 or smtps://…; without it: the local inbox."
    )
    mail_from: str = Field(
        default="alerting-pipeline <alerts@localhost>", description="The sender of mails, with or without a name."
    )
    google_sheets_credentials: SecretStr | None = Field(
        default=None, description="Not in force yet: a sheet is an .xlsx file in the home."
    )
    google_sheets_api_url: HttpUrl | None = Field(default=None, description="Not in force yet.")
    public_url: HttpUrl = Field(
        default="http://localhost:8080", description="The address at which people reach the pages, for links."
    )
    signing_key: SecretStr | None = Field(
        default=None, description="The key of links in mails; without it one is made and kept in the home."
    )
    http_hosts: HostList = Field(
        default=(),
        description="Hosts that webhooks, tickets and pages may go to, between commas; without it: any public.",
    )
    private_hosts: HostList = Field(
        default=(),
        description="Hosts on your own network that they may go to as well, between commas; without it: none.",
    )
    deadman_url: Annotated[SecretStr, AfterValidator(_secret_http)] | None = Field(
        default=None, description="An outside watcher, called about once a minute while nothing is overdue."
    )
    as_of: Annotated[datetime, AfterValidator(_aware)] | None = Field(
        default=None, description="What counts as now, for trials; without it: the database's clock."
    )

    @property
    def landing(self) -> Path:
        """Where files of sources arrive, one folder per source root."""
        return self.home / "landing"

    @property
    def inbox(self) -> Path:
        """The local inbox: what would have gone to a channel that isn't configured."""
        return self.home / "inbox"

    @property
    def sheets(self) -> Path:
        return self.home / "sheets"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def dbt_target(self) -> Path:
        return self.home / "dbt" / "target"

    @property
    def standing_clock(self) -> Path:
        """A file with one instant: in this home that is always now. The sample company lives at a fixed instant."""
        return self.home / "as_of"

    @property
    def kept_signing_key(self) -> Path:
        """The key that links in mails are signed with, where ALERTING_SIGNING_KEY gives none."""
        return self.home / "signing.key"

    @property
    def manifest(self) -> Path:
        return self.dbt_target / "manifest.json"

    @property
    def database_name(self) -> str:
        """The database that dbt's relations are named with; "alerting" on the embedded server."""
        if self.database_url is None:
            return "alerting"
        return urlsplit(self.database_url.get_secret_value()).path.lstrip("/") or "postgres"

    @property
    def uses_embedded_postgres(self) -> bool:
        return self.database_url is None


# Setting → variable. ALERTING_AS_OF fixes what counts as now; without it and without a standing clock in the home,
# now is the database's clock.
VARIABLES = {
    "home": "ALERTING_HOME",
    "definitions": "ALERTING_DEFINITIONS",
    "database_url": "ALERTING_DATABASE_URL",
    "warehouse_url": "ALERTING_WAREHOUSE_URL",
    "slack_bot_token": "SLACK_BOT_TOKEN",
    "slack_signing_secret": "SLACK_SIGNING_SECRET",
    "slack_app_token": "SLACK_APP_TOKEN",
    "slack_api_url": "SLACK_API_URL",
    "smtp_url": "ALERTING_SMTP_URL",
    "mail_from": "ALERTING_MAIL_FROM",
    "google_sheets_credentials": "GOOGLE_SHEETS_CREDENTIALS",
    "google_sheets_api_url": "GOOGLE_SHEETS_API_URL",
    "public_url": "ALERTING_PUBLIC_URL",
    "signing_key": "ALERTING_SIGNING_KEY",
    "http_hosts": "ALERTING_HTTP_HOSTS",
    "private_hosts": "ALERTING_PRIVATE_HOSTS",
    "deadman_url": "ALERTING_DEADMAN_URL",
    "as_of": "ALERTING_AS_OF",
}


def read_settings(environment: Mapping[str, str] | None = None, start: Path | None = None) -> Settings:
    """Settings from the environment; the project is the nearest folder above `start` that has a dbt_project.

    Raises BadCall naming the variable and the remedy. A value that may be secret is never repeated.
    """
    environment = os.environ if environment is None else environment
    project = _find_project(start or Path.cwd())
    given: dict[str, Any] = {}
    for setting, variable in VARIABLES.items():
        value = _read(environment, variable)
        if value is not None:
            given[setting] = value
    for setting, default in (("home", ".alerting"), ("definitions", "alert_definitions")):
        given[setting] = (project / Path(given.get(setting, default)).expanduser()).absolute()
    if "as_of" not in given and (instant := _standing_clock(given["home"])):
        given["as_of"] = instant
    if given.get("warehouse_url") not in (None, given.get("database_url")):
        # Parameters are joined into the scan from the ledger's views, so both are one database for now.
        raise BadCall("ALERTING_WAREHOUSE_URL is not in force yet: leave it out, marts and ledger share one database")
    try:
        return Settings(project=project, dbt_project=project / "dbt_project", **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = VARIABLES.get(str(first["loc"][0]), str(first["loc"][0]))
        raise BadCall(f"{name} {first['msg'].removeprefix('Value error, ')}") from None


def read_secret(name: str, environment: Mapping[str, str] | None = None) -> SecretStr | None:
    """A secret that a destination names by its variable; None where it is not set.

    What is this program's own is refused. It is read each time, so that a file behind NAME_FILE may be exchanged while
    the program runs.
    """
    if name in VARIABLES.values():
        raise BadCall(f"{name} is this program's own, and not a destination's; name another variable")
    value = _read(os.environ if environment is None else environment, name)
    return None if value is None else SecretStr(value)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment for a child process of ours: the person's own, with the paths made absolute."""
    chosen = {"ALERTING_HOME": str(settings.home), "ALERTING_DEFINITIONS": str(settings.definitions)}
    if settings.as_of is not None:
        chosen["ALERTING_AS_OF"] = settings.as_of.isoformat()
    return {**os.environ, **chosen}


def _read(environment: Mapping[str, str], variable: str) -> str | None:
    if value := environment.get(variable):
        return value
    if path := environment.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            raise BadCall(f"{variable}_FILE points to {path}, which can't be read ({type(error).__name__})") from error
    return None


def _standing_clock(home: Path) -> str | None:
    try:
        return (home / "as_of").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _find_project(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "dbt_project" / "dbt_project.yml").is_file():
            return folder.absolute()
    return Path(__file__).absolute().parent.parent
