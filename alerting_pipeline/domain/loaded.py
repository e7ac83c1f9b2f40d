"""What reading the folder of definitions gave: the good definitions, the files around them, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition_set import DefinitionSet
from alerting_pipeline.domain.problem import Problem


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One definition file as it was read: its text, and the name that it gives the definition (None: not told)."""

    path: str
    text: str
    name: str | None
    is_definition: bool = True


@dataclass(frozen=True, slots=True)
class Loaded(DefinitionSet):
    """`definitions` holds the good ones by name; a file with an error has none here, and its errors in `problems`.

    `origins` says for each definition where each value came from. `bad_files` are the paths of files with an error.
    """

    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    catalog: Catalog | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a file out of force."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def bad_files(self) -> frozenset[str]:
        """Paths of the files with an error."""
        return frozenset(problem.path for problem in self.errors)
