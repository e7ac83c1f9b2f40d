"""Parameter sheets, wired: what is typed there is proposed as anybody proposes, with its impact shown and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.destination import PARAMETER_SHEET
from alerting_pipeline.domain.errors import AlertingError, BadCall
from alerting_pipeline.domain.nearest import did_you_mean

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.change_ports import Proposal, Tuned
    from alerting_pipeline.domain.change_request import Key
    from alerting_pipeline.domain.destination import Destination
    from alerting_pipeline.domain.parameter_sheet import Answered, Cells, Typed
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.store.definitions import InForce
    from alerting_pipeline.usecases.read_sheet import SheetReader

IMPACT_DAYS = 90
_ORDER = ("default", "segment", "entity", "entry")


@dataclass(frozen=True, slots=True)
class Unheard:
    """Progress of what nobody waits for."""

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        """Says nothing."""


def sheet_names(app: App, names: tuple[str, ...] = ()) -> list[str]:
    """The parameter sheets in force, or those of the names. Raises BadCall for one that there isn't."""
    there = sorted(name for name, each in app.definition_ledger.in_force().destinations.items() if _is_one(each))
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there) or (f"there is {', '.join(there)}" if there else "there is none")
            raise BadCall(f'"{name}" is not a parameter sheet in destinations.yaml; {hint}')
    return list(names) or there


def read_sheets(app: App, now: datetime) -> None:
    """Read all sheets. One that can't be read keeps none of the others; AlertingError says what failed."""
    failed = []
    for name in sheet_names(app):
        try:
            read_sheet(app, name, now)
        except AlertingError as error:
            failed.append(f"{name}: {error}")
    if failed:
        raise AlertingError("; ".join(failed))


def read_sheet(
    app: App, name: str, now: datetime, progress: Progress | None = None, *, is_dry_run: bool = False,
    days: int | None = IMPACT_DAYS,
) -> list[Answered]:  # fmt: skip
    """Read one sheet and answer in it. `days`: replay so many for the impact of what is new; None: none.

    Raises SheetUnusable for a file that can't be read or written now.
    """
    from alerting_pipeline.store.sheet_proposals import SheetProposals

    with SheetProposals(app.engine).alone(name) as is_alone:
        if not is_alone:
            return []  # somebody reads it at this moment, and answers
        return _reader(app, name, now, progress or Unheard(), days).read(is_dry_run=is_dry_run)


def write_sheet(app: App, name: str, now: datetime) -> tuple[int, str]:
    """Bring one sheet up to date; returns how many of its rows were changed, and the path of its file."""
    reader = _reader(app, name, now, Unheard(), None)
    return reader.write(), str(app.settings.sheets / _file(app, name))


def _reader(app: App, name: str, now: datetime, progress: Progress, days: int | None) -> SheetReader:
    from alerting_pipeline.adapters.parameter_workbook import ParameterWorkbook
    from alerting_pipeline.store.sheet_proposals import SheetProposals
    from alerting_pipeline.usecases.read_sheet import SheetReader

    held = app.definition_ledger.in_force()
    settings = _settings(held.destinations[name])
    book = ParameterWorkbook(name, app.settings.sheets / _file(app, name), settings.worksheet, settings.most_rows)
    asking = _Asking(app, held, now, progress, days)
    return SheetReader(
        sheet=book,
        ledger=SheetProposals(app.engine),
        rules=held,
        propose=asking.propose,
        lines=lambda: _lines(app, held, settings.alerts, now),
        now=now,
        alerts=settings.alerts,
        without_approval=settings.without_approval,
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    app: App
    held: InForce
    now: datetime
    progress: Progress
    days: int | None

    def propose(self, proposal: Proposal, typed: Typed | None) -> Tuned:
        """As `alerting parameters propose` does: what is wrong is told before anything is replayed."""
        from alerting_pipeline.app.change_impact import impact_facts
        from alerting_pipeline.rendering.change_message import in_your_name
        from alerting_pipeline.store.sheet_proposals import SheetProposals
        from alerting_pipeline.usecases.tune import Tuning

        requests = self.app.change_requests
        tried = Tuning(requests, self.held, self.now).propose(proposal, is_dry_run=True)
        found: Mapping[str, Any] | None = None
        if self.days is not None:
            found = impact_facts(self.app, tried.request.change, self.progress, self.days)
        if typed is None:
            return Tuning(requests, self.held, self.now, lambda _: found).propose(proposal, is_dry_run=True)
        sheet = typed.sheet
        book = SheetProposals(self.app.engine).book(typed, lambda each: in_your_name(each, sheet, self.held.book))
        return Tuning(book, self.held, self.now, lambda _: found).propose(proposal)


def _lines(app: App, held: InForce, alerts: tuple[str, ...], now: datetime) -> Mapping[Key, Cells]:
    from alerting_pipeline.usecases.list_parameters import standing_values

    known = [each for each in alerts if each in held.definitions]
    if alerts and not known:
        return {}
    values = [each for each in standing_values(app.change_requests, held, known, now) if each["holds"]]
    values.sort(key=lambda each: (each["alert"], each["parameter"], _ORDER.index(each["scope"]), each["scope_value"]))
    return dict(_line(value) for value in values)


def _line(value: Mapping[str, Any]) -> tuple[Key, Cells]:
    from alerting_pipeline.domain import parameter_sheet as columns
    from alerting_pipeline.domain.change_request import Key
    from alerting_pipeline.domain.parameters import Parameter

    def shown(name: str) -> str:
        found = value[name]
        return "" if found is None else found if isinstance(found, str) else Parameter.write(found)

    key = Key(value["alert"], value["parameter"], value["scope"], value["scope_value"])
    return key, {
        columns.ALERT: key.alert,
        columns.PARAMETER: key.parameter,
        columns.SCOPE: key.scope,
        columns.FOR: key.scope_value,
        **{name: shown(name) for name in ("unit", "minimum", "maximum", "step")},
        columns.IN_FORCE: str(value["value"]),
    }


def _is_one(destination: Destination) -> bool:
    return destination.channel == PARAMETER_SHEET


def _settings(destination: Destination) -> Any:
    from alerting_pipeline.adapters.channels.parameter_sheet import ParameterSheetSettings

    return ParameterSheetSettings.model_validate(dict(destination.settings))


def _file(app: App, name: str) -> str:
    from alerting_pipeline.adapters.channels.registry import file_name

    settings = _settings(app.definition_ledger.in_force().destinations[name])
    return settings.file or f"{file_name(name)}.xlsx"
