"""What the ledger recorded of an alert, repeated: wired to production's evaluation, clock and desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting_pipeline.app.backtesting import pass_time
from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Engine

    from alerting_pipeline.adapters.warehouse import Warehouse
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.catalog import Catalog
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.recorded import Did, Fidelity, RecordedEvaluation
    from alerting_pipeline.domain.replayed import Replayed
    from alerting_pipeline.store.definitions import InForce
    from alerting_pipeline.store.scratch_ledger import ScratchLedger


def replay_ledger(app: App, alert: str, until: datetime, progress: Progress) -> Fidelity:
    """Replay everything that the ledger recorded of an alert; says how far it tells what was told."""
    from alerting_pipeline.store.history import LedgerHistory
    from alerting_pipeline.usecases.replay_recorded import replay_recorded

    held, history = app.definition_ledger.in_force(), LedgerHistory(app.engine)
    if alert not in held.alerts:
        raise BadCall(f'"{alert}" is not an alert in force, so nothing was recorded of it')

    @contextmanager
    def stage() -> Iterator[RecordedPostgresStage]:
        with recorded_stage(app.engine, app.warehouse, app.catalog, held, alert, app.settings.public_url) as playing:
            yield playing

    return replay_recorded(history.recorded(alert, until), history.delivered(alert, until), stage, progress)


@contextmanager
def recorded_stage(
    engine: Engine, warehouse: Warehouse, catalog: Catalog, held: InForce, alert: str, public_url: str
) -> Iterator[RecordedPostgresStage]:
    """A scratch ledger on which recorded evaluations are repeated."""
    from alerting_pipeline.store.history import LedgerHistory
    from alerting_pipeline.store.scratch_ledger import scratch_ledger

    only = replace(held, definitions={alert: held.alerts[alert]})
    with scratch_ledger(engine) as ledger:
        ledger.put_in_force(only.alerts[alert])
        yield RecordedPostgresStage(ledger, only, LedgerHistory(engine).versions(alert), catalog, warehouse, public_url)


@dataclass(frozen=True, slots=True)
class RecordedPostgresStage:
    """A replay of what was recorded: every evaluation with the version and the values that it had."""

    ledger: ScratchLedger
    held: InForce
    versions: Mapping[str, AlertDefinition]
    catalog: Catalog
    warehouse: Warehouse
    public_url: str

    def evaluate_recorded(self, recorded: RecordedEvaluation, number: int) -> None:
        """The same scan over what the model held then."""
        from alerting_pipeline.adapters.past import PastState
        from alerting_pipeline.adapters.scanner import Scanner
        from alerting_pipeline.domain.evaluation import Health, Order
        from alerting_pipeline.domain.history import history_of
        from alerting_pipeline.store.evaluations import EvaluationLedger
        from alerting_pipeline.usecases.evaluate import Evaluator

        definition = self.versions[recorded.version]
        self.ledger.set_version(definition)
        self.ledger.set_values(definition, recorded.values)
        past = PastState(history_of(definition, self.catalog), recorded.state_at or recorded.at)
        scanner = Scanner(self.warehouse, past, recorded.values.sql(definition.alert))
        held = self._held(definition)
        evaluations = EvaluationLedger(self.ledger.engine, held.directory(self.public_url))
        order = Order(f"recorded:{number}", recorded.at, Health(recorded.failures))
        Evaluator({definition.alert: definition}, evaluations, scanner).evaluate([definition.alert], order)
        self.ledger.send(recorded.at)

    def act(self, fingerprint: UUID, did: Did, now: datetime) -> None:
        """What a person did to the incident that is open; where none is, the messages will show the difference."""
        from alerting_pipeline.domain.event import Acknowledge, Assign, Resolve
        from alerting_pipeline.store.announcements import Announcer
        from alerting_pipeline.store.due_incidents import DueIncidents
        from alerting_pipeline.store.incident_desk import IncidentDesk
        from alerting_pipeline.usecases.act import acknowledge, assign, resolve, snooze

        number = self.ledger.open_incident(fingerprint)
        if number is None:
            return
        engine = self.ledger.engine
        desk = IncidentDesk(engine, Announcer(self.held.directory(self.public_url), self.held.of_incidents))
        if isinstance(did, Acknowledge):
            acknowledge(desk, number, did.person, now, did.note)
        elif isinstance(did, Resolve):
            resolve(desk, number, did, now)
        elif isinstance(did, Assign):
            assign(desk, number, did, now, DueIncidents(engine, lambda: self.held, self.public_url).terms)
        else:
            snooze(desk, number, did, now)
        self.ledger.send(now)

    def pass_time(self, now: datetime) -> None:
        pass_time(self.ledger, self.held, self.public_url, now)

    def happened(self) -> Replayed:
        return self.ledger.happened()

    def _held(self, definition: AlertDefinition) -> InForce:
        return replace(self.held, definitions={definition.alert: definition})
