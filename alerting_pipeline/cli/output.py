"""How commands speak: a table for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from rich.console import Console

    from alerting_pipeline.domain.ports import Progress
    from alerting_pipeline.settings import Settings

# The json module would make a float of a Decimal. NUL occurs in no text that Postgres can hold.
_MARK = "\0"
_MARKED_NUMBER = re.compile(r'"\\u0000(-?[0-9.]+)\\u0000"')

json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def print_json(data: Any) -> None:
    """One JSON document on standard output. Decimals are JSON numbers with all their digits."""
    text = json.dumps(data, default=_plain, ensure_ascii=False, indent=2)
    click.echo(_MARKED_NUMBER.sub(r"\1", text))


def count(number: int, noun: str) -> str:
    """A number with its noun, in the singular where it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table on standard output; numbers to the right, empty cells for None."""
    from rich.table import Table
    from rich.text import Text

    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float | Decimal | None) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))  # Text: data is never read as markup
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; 160 columns where there is none, so that pipes get whole lines."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if terminal else 160, highlight=False, soft_wrap=not terminal)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """Progress on standard error: bars on a terminal, a line per item (at most one a second and step) elsewhere."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[step]:<9}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        with Bars(*columns, console=console(stderr=True)) as bars:
            yield _Bars(bars)
    else:
        yield _Lines()


def note_standing_clock(settings: Settings) -> None:
    """A word on standard error where now isn't now: a home that the sample company lived in keeps its instant."""
    if settings.as_of is not None:
        source = settings.standing_clock if settings.standing_clock.exists() else "ALERTING_AS_OF"
        click.echo(f"note: now is always {settings.as_of:%Y-%m-%d %H:%M} UTC here, by {source}", err=True)


class _Silent:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


class _Lines:
    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._complete: set[str] = set()

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        now = time.monotonic()
        completes = done == total and step not in self._complete
        if now - self._last.get(step, -1.0) < 1.0 and not completes:
            return
        self._last[step] = now
        if completes:
            self._complete.add(step)
        click.echo(f"{step}: {item} ({done}{'' if total is None else f' of {total}'})", err=True)


class _Bars:
    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(item, step=step, total=total)
        self._bars.update(self._tasks[step], completed=done, total=total, description=item)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(value.value if isinstance(value, Enum) else value)


def _plain(value: Any) -> Any:
    from pydantic import BaseModel

    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Decimal):
        return f"{_MARK}{value:f}{_MARK}" if value.is_finite() else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")
