"""A problem in a file: one sentence with the place, what is wrong, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NOTE = ""
"""The code of what is only worth knowing."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong (or worth knowing: a note) at a place. Line and column count from 1; path is as people name it.

    `code` names the kind of mistake, one of `problem_code.CODES`; NOTE for a note.
    """

    path: str
    line: int
    column: int
    what: str
    remedy: str = ""
    severity: Literal["error", "note"] = "error"
    code: str = field(kw_only=True)

    def __str__(self) -> str:
        note = "note: " if self.severity == "note" else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.path}:{self.line}:{self.column}: {note}{self.what}{remedy}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that doesn't know its place in a file yet: `at` is the way to the value, as keys and list positions.

    `offset` is a character offset within that value's text, for SQL. `code` is that of the problem.
    """

    at: tuple[str | int, ...]
    what: str
    remedy: str = ""
    offset: int | None = None
    severity: Literal["error", "note"] = "error"
    code: str = field(kw_only=True)


class Mistake(ValueError):
    """What a check has against a value: a sentence, the remedy behind a semicolon, and the code of its kind."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
