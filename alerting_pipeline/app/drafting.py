"""New alerts, wired: a draft is read as if it lay in the folder of definitions, tried out, and only then written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import AlertingError

if TYPE_CHECKING:
    from datetime import datetime

    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Report
    from alerting_pipeline.domain.case_verdict import CaseResult
    from alerting_pipeline.domain.definition import AlertDefinition
    from alerting_pipeline.domain.draft import Draft
    from alerting_pipeline.domain.loaded import Loaded
    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.domain.problem import Problem
    from alerting_pipeline.usecases.preview import Preview


@dataclass(frozen=True, slots=True)
class Tried:
    """A draft with its cases, what fires now, how its cases went, and the last weeks; `unknown` says why they are not
    known.
    """

    draft: Draft
    preview: Preview
    cases: tuple[CaseResult, ...]
    report: Report | None
    unknown: str = ""


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
        return Tried(draft, fires, cases, report, unknown)

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
        """The folder of definitions with the draft in it, read from a copy."""
        from alerting_pipeline.adapters.definition_files import load

        settings = self.app.settings
        with TemporaryDirectory(prefix="draft-") as made:
            folder = Path(made) / settings.definitions.name
            shutil.copytree(settings.definitions, folder)
            (folder / draft.area).mkdir(exist_ok=True)
            (folder / draft.path).write_text(draft.text, encoding="utf-8")
            yield load(folder, self.app.catalog, project=settings.project, today=self.app.today)
