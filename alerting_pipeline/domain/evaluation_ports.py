"""What evaluation needs of the warehouse and the ledger, as Protocols.

News is opaque here: what `carry_out` returns is handed to `announce`, and nobody in between looks into it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.evaluation import EvaluationResult, Health, Prepared
from alerting_pipeline.domain.incident import Incident
from alerting_pipeline.domain.lifecycle import Step
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.ports import Delivery
from alerting_pipeline.domain.reading import Reading
from alerting_pipeline.domain.relation import Relation
from alerting_pipeline.domain.snooze import StandingSnooze
from alerting_pipeline.domain.stored_value import StoredValue
from alerting_pipeline.domain.system_definitions import SystemFinding
from alerting_pipeline.domain.violation import Happened, Judged, Missing, Tally, Violation


class Sighted(Protocol):
    """What was seen, and how it differs from the ledger."""

    def clear(self) -> None: ...

    def load(self, lines: Iterable[bytes]) -> None: ...

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def settle(self) -> None: ...

    def judge(self, judged: Iterable[Judged]) -> None: ...

    def take_back(self, ordinals: Sequence[int]) -> None: ...

    def tallies(self) -> dict[int, Tally]: ...

    def samples(self, most: int = 10) -> dict[int, list[Mapping[str, Any]]]: ...

    def missing(self) -> Iterator[Missing]: ...

    def pend(self, as_of: datetime) -> None: ...

    def fresh(self, as_of: datetime) -> Iterator[list[Violation]]: ...

    def reopening(self, as_of: datetime) -> Iterator[list[tuple[Incident, Violation]]]: ...

    def settle_pending(self) -> None: ...

    def changed(self, as_of: datetime) -> Iterator[list[tuple[Incident, Violation]]]: ...

    def expiring(self, as_of: datetime) -> list[tuple[int, Incident]]: ...


@dataclass(slots=True)
class Read:
    """What came of reading one relation. A definition in `errors` has nothing in `seen`; those in `unbuilt` wait for a
    model that was never built.
    """

    relation: Relation | None = None
    is_empty: bool = False
    newest: datetime | None = None
    readings: dict[int, Reading] = field(default_factory=dict)
    errors: dict[int, AlertingError] = field(default_factory=dict)
    unbuilt: frozenset[int] = frozenset()


class Scans(Protocol):
    """The warehouse, read for evaluation."""

    def read(
        self,
        definitions: Mapping[int, AlertDefinition],
        prepared: Mapping[str, Prepared],
        as_of: datetime,
        seen: Sighted,
    ) -> Read: ...

    def look_up(
        self, reading: Reading, ordinal: int, relation: Relation, missing: Sequence[Missing]
    ) -> dict[UUID, Mapping[str, Any]]: ...

    def is_judged(self, reading: Reading, relation: Relation) -> bool: ...


class Transaction(Protocol):
    """The ledger within one transaction."""

    @property
    def seen(self) -> Sighted: ...

    def lock(self, alerts: Sequence[str], materialization_id: str, as_of: datetime) -> dict[str, Prepared]: ...

    def record(
        self, results: Sequence[EvaluationResult], materialization_id: str, as_of: datetime, started_at: datetime
    ) -> dict[str, int]: ...

    def finish(self, results: Sequence[EvaluationResult]) -> None: ...

    def advance(self, read_keys: Mapping[str, str | None], as_of: datetime, newest: datetime | None) -> None: ...

    def open_incidents(self, fingerprints: Sequence[UUID]) -> dict[UUID, Incident]: ...

    def unheld(self, alerts: Sequence[str]) -> list[Incident]: ...

    def count_open(self, alerts: Sequence[str]) -> dict[str, int]: ...

    def take_as_known(self, ordinals: Sequence[int], now: datetime) -> None: ...

    def carry_out(
        self, steps: Sequence[Step], now: datetime, evaluations: Mapping[str, int] | None = None
    ) -> list[Any]: ...

    def snoozes(self, as_of: datetime) -> Sequence[StandingSnooze]: ...

    def announce(self, news: Sequence[Any]) -> int: ...

    def forget(self, alert: str, fingerprints: Sequence[UUID]) -> None: ...

    def report(self, findings: Sequence[SystemFinding], now: datetime) -> None: ...

    def works_again(self, versions: Mapping[str, str], described: Collection[str], now: datetime) -> None: ...

    def rename(self, definition: AlertDefinition) -> int: ...

    def orphans(self) -> list[Incident]: ...

    def newest_event(self) -> int: ...

    def happened(self, alert: str, after: int) -> list[Happened]: ...


class Ledger(Protocol):
    """The ledger as evaluation sees it."""

    @property
    def public_url(self) -> str: ...

    @property
    def people(self) -> People: ...

    @property
    def rehearsed(self) -> Sequence[tuple[Delivery, bool]]:
        """The rows that rehearsed evaluations would have sent, and whether each would wait for approval."""
        ...

    def keeps_rows(self, definition: AlertDefinition) -> bool: ...

    def prepare(
        self, alerts: Sequence[str], materialization_id: str, as_of: datetime
    ) -> tuple[datetime, dict[str, Prepared]]: ...

    def values(self, versions: Mapping[str, str], as_of: datetime) -> Mapping[str, Sequence[StoredValue]]:
        """The values that hold, of those alerts of which this version is in force; a draft has none."""
        ...

    def health_of(self, models: Iterable[str]) -> Health: ...

    def gather(self, alert: str, build: str, model: str, failures: Sequence[str]) -> dict[str, list[str]]: ...

    def begin(self, definitions: Mapping[str, AlertDefinition]) -> AbstractContextManager[Transaction]: ...

    def rehearse(self, definitions: Mapping[str, AlertDefinition]) -> AbstractContextManager[Transaction]: ...
