"""The measured part of docs/reliability.md: a table with a row per promise, between two markers, and where it ran."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.conftest import PROJECT
from tests.soak.promise import Measured

PAGE = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(results: Sequence[Measured], seconds: float, page: Path = PAGE) -> None:
    """Replace what stands between the markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    told = "\n".join([BEGIN, _where(seconds), "", table(results), END])
    page.write_text(before + told + after, encoding="utf-8")


def table(results: Sequence[Measured]) -> str:
    """Markdown, in the order of the results."""
    rows = ["| promise | what must hold | how it is shown | measured | command |", "| --- | --- | --- | --- | --- |"]
    for item in results:
        promise = item.promise
        shown = promise.shown_by.replace("{count}", f"{item.count:,}")
        figures = "<br>".join(item.figures)
        command = f'`make soak ONLY="{promise.area}"`' if " " in promise.area else f"`make soak ONLY={promise.area}`"
        cells = (promise.area, promise.must_hold, shown, figures, command)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _where(seconds: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"
    versions = f"Python {platform.python_version()}, {_postgres()}, psycopg {version('psycopg')}"
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()
    day = datetime.now(UTC).date().isoformat()
    return f"Measured on {day} in {seconds / 60:.0f} minutes: {machine}; {versions}; commit {commit}."


def _postgres() -> str:
    from alerting_pipeline.adapters.embedded_postgres import binary

    told = subprocess.run([str(binary("postgres")), "--version"], capture_output=True, text=True, check=True).stdout
    return told.strip().replace("postgres (PostgreSQL)", "PostgreSQL")
