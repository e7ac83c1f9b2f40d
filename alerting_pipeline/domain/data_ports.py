"""What data checks need of the warehouse and of the ledger, as Protocols."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from alerting_pipeline.domain.data_check import Check, Facts, Seen
from alerting_pipeline.domain.data_definition import DataDefinition, OfIncidents
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import EvaluationResult, Prepared
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept of a data definition's last evaluation: what stands against the marts downstream, and the columns.

    `failures` are sentences (none: it holds nothing); `marts` are names; `columns` None leaves what was known.
    """

    failures: tuple[str, ...] = ()
    marts: tuple[str, ...] = ()
    columns: Mapping[str, str] | None = None


class DataFacts(Protocol):
    """The warehouse as plain SQL sees it."""

    def read(
        self, definitions: Sequence[DataDefinition], relation: Relation, as_of: datetime
    ) -> dict[str, Facts | AlertingError]:
        """The facts of each definition by name, or what was wrong with reading them."""
        ...


class Expects(Protocol):
    """Great Expectations over one relation."""

    def judge(self, relation: Relation, expectations: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Check]:
        """One check for each expectation, in order; what goes wrong with one is its state, and no error."""
        ...


class DataTransaction(Protocol):
    """The ledger within one transaction."""

    def lock(self, alerts: Sequence[str], materialization_id: str, as_of: datetime) -> dict[str, Prepared]: ...

    def snoozes(self, as_of: datetime) -> Sequence[StandingSnooze]: ...

    def record(
        self, results: Sequence[EvaluationResult], materialization_id: str, as_of: datetime, started_at: datetime
    ) -> dict[str, int]: ...

    def finish(self, results: Sequence[EvaluationResult]) -> None: ...

    def advance(self, read_keys: Mapping[str, str | None], as_of: datetime, newest: datetime | None) -> None: ...

    def open_incidents(self, fingerprints: Sequence[UUID]) -> dict[UUID, Incident]: ...

    def known(self, fingerprints: Sequence[UUID]) -> set[UUID]: ...

    def seen_columns(self, alerts: Sequence[str]) -> dict[str, Seen]: ...

    def changed(self, alert: str, upstream: Upstream, outcomes: Collection[str]) -> str:
        """What changed upstream since the definition was last judged so, in a line."""
        ...

    def stand(self, standing: Mapping[str, Standing]) -> None: ...

    def forget(self, alert: str, fingerprints: Sequence[UUID]) -> None: ...

    def carry_out(
        self, steps: Sequence[Step], now: datetime, evaluations: Mapping[str, int] | None = None
    ) -> list[Any]: ...

    def announce(self, news: Sequence[Any]) -> int: ...

    def report(self, findings: Sequence[SystemFinding], now: datetime) -> None: ...

    def works_again(self, versions: Mapping[str, str], described: Collection[str], now: datetime) -> None: ...


class DataLedger(Protocol):
    """The ledger as data checks see it."""

    @property
    def public_url(self) -> str: ...

    @property
    def people(self) -> People: ...

    def prepare(
        self, alerts: Sequence[str], materialization_id: str, as_of: datetime
    ) -> tuple[datetime, dict[str, Prepared]]: ...

    def begin(self, definitions: Mapping[str, OfIncidents]) -> AbstractContextManager[DataTransaction]: ...

    def rehearse(self, definitions: Mapping[str, OfIncidents]) -> AbstractContextManager[DataTransaction]: ...
