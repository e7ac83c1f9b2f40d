"""What is wrong with the definition files, and how many there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from alerting_pipeline.domain.loaded import Loaded
from alerting_pipeline.domain.problem import Problem


@dataclass(frozen=True, slots=True)
class Validation:
    """The problems of what was asked about, in the order of files and lines. `definitions` counts the files read."""

    definitions: int
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def notes(self) -> int:
        return len(self.problems) - self.errors


def validate(loaded: Loaded, chosen: Collection[str] | None = None) -> Validation:
    """The problems of the chosen files and folders (as paths within the definitions); None: of all."""

    def is_chosen(path: str) -> bool:
        return chosen is None or any(path == each or each in map(str, PurePosixPath(path).parents) for each in chosen)

    return Validation(
        definitions=sum(file.is_definition and is_chosen(file.path) for file in loaded.files),
        problems=tuple(problem for problem in loaded.problems if is_chosen(problem.path)),
    )
