"""A problem in a file: one sentence with the place, what is wrong, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong (or worth knowing: a note) at a place. Line and column count from 1; path is as people name it.

    `topic` is `sql` for what is wrong within a text of SQL.
    """

    path: str
    line: int
    column: int
    what: str
    remedy: str = ""
    severity: Literal["error", "note"] = "error"
    topic: Literal["", "sql"] = ""

    def __str__(self) -> str:
        note = "note: " if self.severity == "note" else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.path}:{self.line}:{self.column}: {note}{self.what}{remedy}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that doesn't know its place in a file yet: `at` is the way to the value, as keys and list positions.

    `offset` is a character offset within that value's text, for SQL.
    """

    at: tuple[str | int, ...]
    what: str
    remedy: str = ""
    offset: int | None = None
    severity: Literal["error", "note"] = "error"
