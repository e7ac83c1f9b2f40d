"""Definitions in the ledger: every version that was ever in force, and which one is.

Evaluation reads definitions from here and not from the files, so that a bad file leaves the last good version in
force, and an evaluation can be explained years later with the text that it followed. people.yaml, routing.yaml and
destinations.yaml are kept in the same way, under the names of their files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from alerting_pipeline.domain.action import Action
from alerting_pipeline.domain.data_definition import DataDefinition
from alerting_pipeline.domain.definition import AlertDefinition, Definition
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.publication import DEFINITION_FILE, Origin, Publication, Stored
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.system_override import SystemOverride
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.announcements import Announcer
from alerting_pipeline.store.incidents import clear_finding, record_finding
from alerting_pipeline.store.parameter_values import close_parameters, publish_parameters, take_over_parameters

_KINDS: dict[str, type[Definition]] = {
    "business": AlertDefinition,
    "data": DataDefinition,
    "report": ReportDefinition,
    "system": SystemOverride,
}
_CONFIG = "config"


@dataclass(frozen=True, slots=True)
class InForce(DefinitionSet):
    """What holds now, whatever the files say meanwhile."""

    def directory(self, public_url: str) -> Directory:
        """Where messages may go; links in them begin with the address."""
        return Directory(self.routing, self.destinations, public_url, self.people, self.built_in)


class DefinitionLedger:
    """The versions and what is in force."""

    def __init__(self, engine: Engine, public_url: str) -> None:
        self._engine = engine
        self._public_url = public_url

    def stored(self) -> dict[str, Stored]:
        """Version and path of everything in force, by name."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select alert, version, path from ledger.definitions where removed_at is null"
            )
            return {alert: Stored(version, path) for alert, version, path in rows}

    def in_force(self) -> InForce:
        """The definitions in force, and the last good people, routing and destinations."""
        with self._engine.connect() as connection:
            return _in_force(connection)

    def publish(
        self, publication: Publication, loaded: Loaded, *, now: datetime, origin_of: Callable[[str], Origin]
    ) -> None:
        """Put a publication into force, in one transaction. `origin_of` a path says where the file comes from."""
        texts = {file.path: file.text for file in loaded.files}
        with self._engine.begin() as connection:
            # Two publishers at once see the same difference: the second waits, and its writes change nothing.
            connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('alerting publish definitions'))")
            for definition in publication.changed:
                _store_version(connection, definition, texts.get(definition.path, ""), origin_of(definition.path))
                earlier = publication.renamed.get(definition.name)
                if isinstance(definition, AlertDefinition | ReportDefinition):
                    if earlier is not None:
                        take_over_parameters(connection, earlier, definition, now)
                    publish_parameters(connection, definition, now)
            for name in publication.removed:
                _remove(connection, name, now)
            for path, model in (("people.yaml", loaded.people), ("routing.yaml", loaded.routing)):
                if path in texts and path not in loaded.bad_files:
                    _store_config(
                        connection, path, model.model_dump(mode="json", by_alias=True), texts[path], origin_of
                    )
            if "destinations.yaml" in texts and "destinations.yaml" not in loaded.bad_files:
                body = {name: each.model_dump(mode="json") for name, each in loaded.destinations.items()}
                _store_config(connection, "destinations.yaml", body, texts["destinations.yaml"], origin_of)
            announce = self._announcer(connection)
            for finding in publication.findings:
                record_finding(connection, finding, now=now, announce=announce)
            for path in _told_as_bad(connection) - loaded.bad_files:
                clear_finding(connection, DEFINITION_FILE, {"file": path}, now=now, announce=announce)

    def _announcer(self, connection: Connection) -> Announcer:
        held = _in_force(connection)
        return Announcer(held.directory(self._public_url), held.of_incidents)


def actions_of(connection: Connection, alert: str, version: str) -> dict[str, Action]:
    """The actions of one version of a definition, by name, in the order of their names; none where there is none."""
    body = connection.exec_driver_sql(
        "select body -> 'actions' from ledger.definition_versions where alert = %s and version = %s", (alert, version)
    ).scalar()
    return {name: Action.model_validate(action) for name, action in sorted((body or {}).items())}


def _in_force(connection: Connection) -> InForce:
    rows = connection.exec_driver_sql(
        """
        select d.alert, d.kind, d.path, v.body
        from ledger.definitions as d join ledger.definition_versions as v using (alert, version)
        where d.removed_at is null order by d.alert
        """
    ).all()
    config = _latest_config(connection)
    built_in = InForce()
    return InForce(
        definitions={alert: _KINDS[kind].model_validate({**body, "path": path}) for alert, kind, path, body in rows},
        people=_read(People, config.get("people.yaml"), built_in.people),
        routing=_read(RoutingTree, config.get("routing.yaml"), built_in.routing),
        destinations=_destinations(config.get("destinations.yaml")) or built_in.destinations,
    )


def _store_version(connection: Connection, definition: Definition, text: str, origin: Origin) -> None:
    kind = "report" if isinstance(definition, ReportDefinition) else str(getattr(definition, "kind", "business"))
    row = {
        "alert": definition.name,
        "version": definition.version_id,
        "kind": kind,
        "path": definition.path,
        "body": json.dumps(definition.model_dump(mode="json", by_alias=True), ensure_ascii=False),
        "source": text.replace("\0", ""),
        "revision": origin.revision,
    }
    connection.exec_driver_sql(
        """
        insert into ledger.definition_versions (alert, version, kind, path, body, source, git_revision)
        values (%(alert)s, %(version)s, %(kind)s, %(path)s, %(body)s, %(source)s, %(revision)s)
        on conflict (alert, version) do nothing
        """,
        row,
    )
    connection.exec_driver_sql(
        """
        insert into ledger.definitions (alert, version, kind, path)
        values (%(alert)s, %(version)s, %(kind)s, %(path)s)
        on conflict (alert) do update set
            version = excluded.version, kind = excluded.kind, path = excluded.path,
            published_at = clock_timestamp(), removed_at = null,
            baselined_at = case when ledger.definitions.removed_at is null then ledger.definitions.baselined_at end
        """,
        row,
    )
    _note_publication(connection, definition.name, definition.version_id, definition.path, origin)


def _note_publication(connection: Connection, name: str, version: str | None, path: str, origin: Origin) -> None:
    is_committed = origin.is_committed if origin.revision is not None else None
    connection.exec_driver_sql(
        "insert into ledger.publications (alert, version, path, git_revision, author, is_committed) "
        "values (%s, %s, %s, %s, %s, %s)",
        (name, version, path, origin.revision, origin.author, is_committed),
    )


def _remove(connection: Connection, name: str, now: datetime) -> None:
    connection.exec_driver_sql(
        "update ledger.definitions set removed_at = clock_timestamp() where alert = %s and removed_at is null", (name,)
    )
    close_parameters(connection, name, now)
    connection.exec_driver_sql(
        "insert into ledger.publications (alert, path) select alert, path from ledger.definitions where alert = %s",
        (name,),
    )


def _store_config(
    connection: Connection, path: str, body: Mapping[str, Any], text: str, origin_of: Callable[[str], Origin]
) -> None:
    """A new version whenever it differs from the newest one: going back to an earlier text is a version, too."""
    written = json.dumps(body, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(written.encode()).hexdigest()[:12]
    row = connection.exec_driver_sql(
        "select version from ledger.definition_versions where alert = %s and kind = %s order by stored_at desc limit 1",
        (path, _CONFIG),
    ).first()
    if row is not None and row.version.startswith(digest):
        return
    number = connection.exec_driver_sql(
        "select count(*) from ledger.definition_versions where alert = %s and kind = %s", (path, _CONFIG)
    ).scalar_one()
    origin, version = origin_of(path), f"{digest}-{number + 1}"
    connection.exec_driver_sql(
        "insert into ledger.definition_versions (alert, version, kind, path, body, source, git_revision) "
        "values (%s, %s, %s, %s, %s, %s, %s)",
        (path, version, _CONFIG, path, written, text.replace("\0", ""), origin.revision),
    )
    _note_publication(connection, path, version, path, origin)


def _latest_config(connection: Connection) -> dict[str, Any]:
    rows = connection.exec_driver_sql(
        "select distinct on (alert) alert, body from ledger.definition_versions where kind = %s "
        "order by alert, stored_at desc",
        (_CONFIG,),
    )
    return {row.alert: row.body for row in rows}


def _told_as_bad(connection: Connection) -> set[str]:
    """Files that are known to be bad: with an open incident, or resolved by a person and not to be raised again."""
    rows = connection.exec_driver_sql(
        """
        select entity ->> 'file' from ledger.incidents where alert = %(alert)s and status <> 'resolved'
        union
        select entity ->> 'file' from ledger.known_fingerprints where alert = %(alert)s
        """,
        {"alert": DEFINITION_FILE},
    )
    return {path for (path,) in rows if path is not None}


def _read(model: type[Any], body: Any, otherwise: Any) -> Any:
    return otherwise if body is None else model.model_validate(body)


def _destinations(body: Any) -> dict[str, Destination]:
    return {name: Destination.model_validate(each) for name, each in (body or {}).items()}
