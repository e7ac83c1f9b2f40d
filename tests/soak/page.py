"""The measured part of docs/reliability.md, between two markers: a row per promise, each with when and at what it was
measured. A run replaces the rows that it measured and leaves the others, so that the page is always complete.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.conftest import PROJECT
from tests.soak.promise import Measured, Promise

PAGE = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEAD = (
    "| promise | what must hold | how it is shown | measured | when | command |",
    "| --- | --- | --- | --- | --- | --- |",
)
NOT_YET = "not measured yet"


@dataclass(frozen=True, slots=True)
class Row:
    """One promise with its figures. `when`: day, commit and how long it took."""

    area: str
    must_hold: str
    shown: str
    figures: str = NOT_YET
    when: str = ""

    @classmethod
    def of(cls, promise: Promise) -> Row:
        """A promise at its full count that nobody has measured yet."""
        return cls(promise.area, promise.must_hold, promise.shown_by.replace("{count}", f"{promise.full:,}"))

    @classmethod
    def read(cls, line: str) -> Row:
        """From a line of the table."""
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
        return cls(*cells[:5])

    def __str__(self) -> str:
        area = f'"{self.area}"' if " " in self.area else self.area
        cells = (self.area, self.must_hold, self.shown, self.figures, self.when, f"`make soak ONLY={area}`")
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(results: Sequence[Measured], promised: Sequence[Promise], page: Path = PAGE) -> None:
    """Put these results among those that stand in the page; `promised` are all promises there are, in their order.

    Two runs side by side may write: each takes the page for itself.
    """
    with page.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before, _, rest = file.read().partition(BEGIN)
        between, _, after = rest.partition(END)
        told = "\n".join([BEGIN, _machine(), "", *HEAD, *map(str, merged(between, results, promised)), END])
        file.seek(0)
        file.truncate()
        file.write(before + told + after)


def merged(text: str, results: Sequence[Measured], promised: Sequence[Promise]) -> list[Row]:
    """A row per promise: of these results, of the earlier `text`, or one that was not measured yet."""
    rows = [Row.read(line) for line in text.splitlines() if line.startswith("|") and line not in HEAD]
    known = {(row.area, row.shown): row for row in rows}
    stamp = f"{datetime.now(UTC).date().isoformat()}, {_commit()}" if results else ""
    for item in results:
        row = Row.of(item.promise)
        when = f"{stamp}, {item.seconds:.0f} s"
        known[row.area, row.shown] = Row(row.area, row.must_hold, row.shown, "<br>".join(item.figures), when)
    return [known.get((row.area, row.shown), row) for row in map(Row.of, promised)]


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"
    versions = f"Python {platform.python_version()}, {_postgres()}, psycopg {version('psycopg')}"
    return f"Measured on {machine}; {versions}; each row at the commit that stands in it."


def _commit() -> str:
    """The commit; with a plus where something other than the page differs from it."""
    git = ["git", "-C", str(PROJECT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    status = [*git, "status", "--porcelain", "--", ".", ":!docs/reliability.md"]
    differs = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    return head.strip() + ("+" if differs else "")


def _postgres() -> str:
    from alerting_pipeline.adapters.embedded_postgres import binary

    told = subprocess.run([str(binary("postgres")), "--version"], capture_output=True, text=True, check=True).stdout
    return told.strip().replace("postgres (PostgreSQL)", "PostgreSQL")
