"""benchmarks/results.md: one section a part, each with its command, the machine and the versions that it ran with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

RESULTS = Path(__file__).parent / "results.md"
_HEAD = """# Results

Written by `make bench`; each section by the part that it names, and replaced by `python -m benchmarks --only PART`.
What is compared ran in turns, in one run and on one machine: quote the ratios. Goals are those that the project set
itself before it began; one that was missed is said to be missed.
"""
_PACKAGES = ("psycopg", "sqlalchemy", "duckdb", "pyarrow", "pandas", "sqlglot", "pydantic")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing. `is_met` None: there is no goal for it."""

    what: str
    measured: str
    goal: str = ""
    is_met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.is_met is None else "met" if self.is_met else "**missed**"

    @property
    def line(self) -> str:
        """For the terminal."""
        goal = f"   goal {self.goal}: {self.verdict.strip('*')}" if self.goal else ""
        return f"  {self.what:<64} {self.measured:>22}{goal}"


def at_least(what: str, found: float, goal: float, unit: str = " ×") -> Figure:
    """A ratio or a rate that should be as large as the goal."""
    return Figure(what, f"{_short(found)}{unit}", f"≥ {_short(goal)}{unit}", found >= goal)


def at_most(what: str, found: float, goal: float, unit: str = " ×") -> Figure:
    """A ratio or a time that should be no larger than the goal."""
    return Figure(what, f"{_short(found)}{unit}", f"≤ {_short(goal)}{unit}", found <= goal)


@dataclass(frozen=True, slots=True)
class Section:
    """What a part says beside its figures: `asked` is what was compared; `postgres` what server it ran on."""

    part: str
    title: str
    asked: Sequence[str]
    postgres: str

    def write(self, figures: Sequence[Figure], path: Path = RESULTS) -> None:
        """Print the figures, and put the section in the place of its earlier one."""
        for figure in figures:
            print(figure.line, flush=True)
        text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
        body = "\n".join(
            [
                f"<!-- {self.part} -->", f"## {self.title}", "", *self.asked, "",
                "| what | measured | goal | |", "|---|---:|---:|---|",
                *(f"| {each.what} | {each.measured} | {each.goal} | {each.verdict} |" for each in figures), "",
                f"`python -m benchmarks --only {self.part}`, {datetime.now(UTC):%Y-%m-%d}{_commit()}. {machine()}; "
                f"Postgres {self.postgres}, {packages()}.", f"<!-- end of {self.part} -->",
            ]
        )  # fmt: skip
        section = re.compile(rf"<!-- {self.part} -->.*?<!-- end of {self.part} -->", re.DOTALL)
        text = section.sub(lambda _: body, text) if section.search(text) else f"{text.rstrip()}\n\n{body}"
        path.write_text(f"{text.rstrip()}\n", encoding="utf-8")


def machine() -> str:
    """Processor, cores, memory, disk and system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB{_disk()}, {_system()}"


def packages() -> str:
    """Of what ran, with versions."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)])


def postgres_version(connection: psycopg.Connection[Any]) -> str:
    """As people write it: 18.4."""
    number = connection.info.server_version
    return f"{number // 10_000}.{number % 10_000}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.2f}".rstrip("0").rstrip(".")


def _commit() -> str:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=root
    )  # fmt: skip
    if done.returncode:
        return ""
    changed = ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results.md"]
    status = subprocess.run(changed, capture_output=True, text=True, check=False, cwd=root)
    return f", commit {done.stdout.strip()}{' with changes' if status.stdout.strip() else ''}"


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _disk() -> str:
    """Of the temporary folder, where the databases were; as the kernel sees it, which of a virtual one is a guess."""
    device = Path(tempfile.gettempdir()).stat().st_dev
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for flag in (place / "queue/rotational", place / "../queue/rotational"):
        if flag.exists():
            return ", rotating disk" if flag.read_text().strip() == "1" else ", solid-state disk"
    return ""


def _system() -> str:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return f"{release.get('PRETTY_NAME', platform.system())}, kernel {platform.release().split('-')[0]}"
