"""Plans, wired: changed definitions are replayed over the last weeks, each with the people and routes of its side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.app.backtesting import PostgresStage, Replays
    from alerting_pipeline.domain.backtest import Report, Span
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.definition_change import Plan
    from alerting_pipeline.domain.definition_set import DefinitionSet
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.value_set import ValueSet
    from alerting_pipeline.usecases.backtest import Variant


def plan_from(app: App, revision: str | None, days: int, progress: Progress, *, is_replayed: bool = True) -> Plan:
    """What the definition files would change against those of a git revision; None: against what is in force."""
    from alerting_pipeline.usecases.plan import plan

    files = app.loaded_definitions
    with _base(app, revision) as (base, named, notes):
        replays = Sides(app, base, files, days) if is_replayed else None
        notes += _notes(base, files)
        return plan(base, files, replays, progress, named=named, days=days, notes=notes)


@contextmanager
def _base(app: App, revision: str | None) -> Iterator[tuple[DefinitionSet, str, list[str]]]:
    if revision is None:
        yield app.definition_ledger.in_force(), "what is in force", []
        return
    from alerting_pipeline.adapters.definition_files import load
    from alerting_pipeline.adapters.definitions_at import definitions_at

    with definitions_at(app.settings.definitions, revision) as folder:
        loaded = load(folder, app.catalog, project=app.settings.project)
        bad = sorted(loaded.bad_files)
        notes = [f"{path} has errors at {revision} and counts as absent there" for path in bad]
        yield loaded, revision, notes


def _notes(base: DefinitionSet, files: Loaded) -> list[str]:
    found = []
    for path, old, new in (
        ("people.yaml", base.people, files.people),
        ("routing.yaml", base.routing, files.routing),
        ("destinations.yaml", base.destinations, files.destinations),
    ):
        if old != new:
            found.append(f"{path} differs; the volume before is with the old one, the volume after with the new one")
    return found


@dataclass(frozen=True, slots=True)
class Sides:
    """Replays a definition as it was, with the people and routes of then, and as it is."""

    app: App
    base: DefinitionSet
    files: Loaded
    days: int

    def __call__(self, before: AlertDefinition | None, after: AlertDefinition | None, progress: Progress) -> Report:
        """One report; where one side is missing, the other one stands as in force. Raises AlertingError."""
        from alerting_pipeline.domain.history import history_of
        from alerting_pipeline.usecases.backtest import Backtest, backtest

        shown = after or before
        if shown is None:
            raise ValueError("there is no definition to replay")
        kept = self._kept((before or shown).alert)  # a renamed alert takes its values along
        if before is not None and before.alert != shown.alert:
            before = before.model_copy(update={"alert": shown.alert})  # entities go by the alert's name
        was = None if before is None else self._variant(before, kept)
        will = None if after is None else self._variant(after, kept)
        first = was or self._variant(shown, kept)
        will = first if was is None else will
        old, new = self._replays(self.base), self._replays(self.files)
        history, span = history_of(shown, self.app.catalog), self._span()

        def stage(variant: Variant) -> AbstractStage:
            return (old if variant is was else new).stage(variant, span)

        asked = Backtest(
            in_force=first,
            proposed=will if was is not None else None,
            summing=new.summing(shown.alert, span, history),
            source=history.source,
            reads=history.described,
        )
        return backtest(asked, stage, progress)

    def open_incidents(self, alerts: Sequence[str]) -> Mapping[str, int]:
        """How many incidents of each are open."""
        from alerting_pipeline.store.open_incidents import count_open

        if not alerts:
            return {}
        with self.app.engine.connect() as connection:
            return count_open(connection, alerts)

    def _span(self) -> Span:
        from alerting_pipeline.domain.backtest import Span

        now = self.app.clock.now()
        return Span(now - timedelta(days=self.days), now)

    def _replays(self, definitions: DefinitionSet) -> Replays:
        from alerting_pipeline.app.backtesting import Replays
        from alerting_pipeline.store.definitions import InForce

        held = InForce({}, definitions.people, definitions.routing, definitions.destinations)
        return Replays(self.app, held)

    def _kept(self, alert: str) -> ValueSet:
        """The values that people gave it, which a new version of the file does not take away."""
        from alerting_pipeline.store.parameter_values import values_by_people

        return values_by_people(self.app.engine, alert, self.app.clock.now())

    def _variant(self, definition: AlertDefinition, kept: ValueSet) -> Variant:
        from alerting_pipeline.domain.value_set import ValueSet
        from alerting_pipeline.usecases.backtest import Variant

        return Variant(definition, ValueSet.of_definition(definition, self.app.clock.now()).overlaid(definition, kept))


if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    AbstractStage = AbstractContextManager[PostgresStage]
