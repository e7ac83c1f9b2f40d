"""The versions of one definition in the ledger, with what each of them made."""

from __future__ import annotations

from sqlalchemy import Engine

from alerting_pipeline.domain.version_history import Version

_VERSIONS = """
select
    d.version, d.path, d.git_revision, d.author, d.is_committed, d.in_force_from, d.in_force_to, d.definition,
    (
        select count(*) from ledger.evaluations as e
        where e.alert = d.alert and e.definition_version = d.version and e.started_at >= d.in_force_from
            and e.started_at < coalesce(d.in_force_to, 'infinity')
    ) as evaluations,
    (
        select count(*) from ledger.incidents as i
        join ledger.evaluations as e on e.evaluation_id = i.evaluation_id
        where i.alert = d.alert and e.definition_version = d.version and e.started_at >= d.in_force_from
            and e.started_at < coalesce(d.in_force_to, 'infinity')
    ) as incidents
from alerting.definition_versions as d
where d.alert = %s
order by d.in_force_from
"""


class VersionHistory:
    """Which versions were in force."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, name: str) -> list[Version]:
        """The versions of a definition or file of configuration, oldest first; none where it never was in force."""
        with self._engine.connect() as connection:
            return [Version(*row) for row in connection.exec_driver_sql(_VERSIONS, (name,))]

    def names(self) -> list[str]:
        """Everything that ever was in force."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql("select distinct alert from ledger.publications").scalars())
