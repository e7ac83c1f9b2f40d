"""New alerts, wired: a draft is read as if it lay in the folder of definitions, tried out, and only then written.

What a request holds is read the same way again when it is approved: the text is held against the folder as it is then.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from alerting_pipeline.adapters.draft_file import text_of
from alerting_pipeline.adapters.new_file import obstacle
from alerting_pipeline.domain.draft_request import DraftRequest, NewFile, changed_meaning
from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from datetime import datetime

    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Report
    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.draft import Draft
    from alerting_pipeline.domain.draft_ports import Signature
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.problem import Problem
    from alerting_pipeline.usecases.preview import Preview
    from alerting_pipeline.usecases.request_alert import AlertRequests


def alert_requests(app: App, now: datetime | None = None) -> AlertRequests:
    """Requests for new alerts, by the people in force; by those of the files where nothing was ever published."""
    from alerting_pipeline.store.draft_requests import DraftRequests
    from alerting_pipeline.usecases.request_alert import AlertRequests

    held = app.definition_ledger.in_force()
    rules = held if held.people.people else app.loaded_definitions
    return AlertRequests(DraftRequests(app.engine), rules, now or app.clock.now())


@dataclass(frozen=True, slots=True)
class Tried:
    """A draft with its cases, what fires now, how its cases went, and the last weeks; `unknown` says why they are not
    known.
    """

    draft: Draft
    file: NewFile
    preview: Preview
    cases: tuple[CaseResult, ...]
    report: Report | None
    unknown: str = ""

    @property
    def impact(self) -> Mapping[str, Any]:
        """What it would have done, in a few figures: kept with the request."""
        found: dict[str, Any] = {"violations": self.preview.violations}
        if self.report is None:
            return {**found, "unknown": self.unknown}
        side, days = self.report.shown, (self.report.end - self.report.start).days
        told = [each for each in side.recipients if not each.is_row]
        return {
            **found,
            "days": days,
            "reads": self.report.reads,
            "incidents": side.incidents,
            "incidents_per_week": round(side.incidents_per_week, 2),
            "messages_per_week": round(side.messages / self.report.weeks, 2),
            "recipients": {each.recipient: round(each.messages_per_week, 2) for each in told},
            "over_budget": [each.recipient for each in told if each.over_budget],
            "not_evaluated": list(side.failures),
        }


@dataclass(frozen=True, slots=True)
class Drafting:
    """Tries drafts out. `days` are replayed."""

    app: App
    days: int

    def problems(self, draft: Draft) -> list[Problem]:
        """What is wrong with the file that the draft would be."""
        with self._read(draft) as loaded:
            return [each for each in loaded.errors if each.path == draft.path]

    def try_out(self, draft: Draft, at: datetime, progress: Progress) -> Tried:
        """The draft with cases from rows that there are. Raises AlertingError where its model can't be read."""
        fires = self._preview(draft, at)
        quiet = self._preview(replace(draft, condition=f"not ({draft.condition})"), at)
        draft = replace(draft, cases=tuple(self._cases(draft, fires, quiet, at)))
        with self._read(draft) as loaded:
            definition = self._definition(loaded, draft)
            cases = tuple(self.app.rehearse([definition], progress))
            report, unknown = self._replayed(definition, loaded, progress)
        return Tried(draft, new_file(draft.path, text_of(draft), definition), fires, cases, report, unknown)

    def _cases(self, draft: Draft, fires: Preview, quiet: Preview, at: datetime) -> Iterator[Mapping[str, Any]]:
        from alerting_pipeline.domain.condition import parse
        from alerting_pipeline.domain.draft import cases_of

        model = self.app.catalog.models[draft.model]
        used = parse(draft.condition, columns=None, parameters=[each.name for each in draft.limits]).columns
        columns = sorted(used | {column for column in (draft.occurred_at,) if column is not None})
        firing, still = (next(iter(each.sample), None) for each in (fires, quiet))
        yield from cases_of(draft.entity, model.columns, columns, firing, still, at)

    def _preview(self, draft: Draft, at: datetime) -> Preview:
        with self._read(draft) as loaded:
            return self.app.preview(loaded, self._definition(loaded, draft), at, 1)

    def _replayed(self, definition: AlertDefinition, loaded: Loaded, progress: Progress) -> tuple[Report | None, str]:
        from alerting_pipeline.app.planning import Sides

        try:
            return Sides(self.app, loaded, loaded, self.days)(None, definition, progress), ""
        except AlertingError as error:
            return None, str(error)

    @staticmethod
    def _definition(loaded: Loaded, draft: Draft) -> AlertDefinition:
        if draft.name not in loaded.alerts:
            wrong = next((str(each) for each in loaded.errors if each.path == draft.path), "it could not be read")
            raise AlertingError(f"the draft of {draft.name} has an error: {wrong}")
        return loaded.alerts[draft.name]

    @contextmanager
    def _read(self, draft: Draft) -> Iterator[Loaded]:
        with loaded_with(self.app, draft.path, text_of(draft)) as loaded:
            yield loaded


@dataclass(frozen=True, slots=True)
class FolderOfDefinitions:
    """The folder that approved drafts are written to: the one that this program was told of, under git."""

    app: App
    progress: Progress

    def written(self, request: DraftRequest) -> str | None:
        """The commit that wrote exactly this request, where an approval got so far and no farther."""
        from alerting_pipeline.adapters.git_commit import commit_of

        file = request.file
        return commit_of(self.app.settings.definitions, file.path, file.text, str(request.request_id))

    def staleness(self, file: NewFile) -> str | None:
        """Why the text is not, in this folder and today, what was asked for; None while it is."""
        folder = self.app.settings.definitions
        if (why := obstacle(folder, file.path)) is not None:
            return why
        if any(each.name == file.alert for each in self.app.loaded_definitions.files):
            return f"an alert called {file.alert} is there already"
        with loaded_with(self.app, file.path, file.text) as loaded:
            wrong = next((str(each) for each in loaded.errors if each.path == file.path), None)
            if wrong is not None or file.alert not in loaded.alerts:
                return f"it is not right any more: {wrong or 'it could not be read'}"
            definition = loaded.alerts[file.alert]
            if (why := changed_meaning(file, new_file(file.path, file.text, definition))) is not None:
                return why
            return self._failing(definition)

    def write(self, request: DraftRequest, author: Signature, approver: Signature) -> str:
        """Write and commit it; returns the commit."""
        from alerting_pipeline.adapters.git_commit import NewCommit, commit_new

        file = request.file
        said = f"{author.person.name or author.name} asked for it: {request.reason}"
        commit = NewCommit(f"Add the alert {file.alert}", author, approver, said, str(request.request_id))
        return commit_new(self.app.settings.definitions, file.path, file.text, commit)

    def _failing(self, definition: AlertDefinition) -> str | None:
        for result in self.app.rehearse([definition], self.progress):
            if not result.is_passed:
                return f'its case "{result.case}" fails now: {"; ".join(result.differences)}'
        return None


def new_file(path: str, text: str, definition: AlertDefinition) -> NewFile:
    """A file that reads as this definition."""
    body = definition.model_dump(mode="json", by_alias=True, exclude={"cases"})
    return NewFile(definition.alert, path, text, definition.version_id, body)


@contextmanager
def loaded_with(app: App, path: str, text: str) -> Iterator[Loaded]:
    """The folder of definitions with one more file in it, read from a copy."""
    from alerting_pipeline.adapters.definition_files import load

    settings = app.settings
    with TemporaryDirectory(prefix="draft-") as made:
        folder = Path(made) / settings.definitions.name
        shutil.copytree(settings.definitions, folder, ignore_dangling_symlinks=True)
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        yield load(folder, app.catalog, project=settings.project, today=app.today)
