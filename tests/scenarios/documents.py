"""Pages of the documentation as a reader follows them: files to type, commands to run, outputs to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class File:
    """A fenced block with a title: a file that the reader types."""

    path: str
    content: str


@dataclass(frozen=True)
class Command:
    """A line after `$` in a console block, and the lines below it: what its output says among other things."""

    line: str
    shown: tuple[str, ...] = field(default=())


def steps(page: str) -> Iterator[File | Command]:
    """What a page has its reader do, in order."""
    for language, title, body in _FENCE.findall(page):
        if language == "console":
            yield from _commands(body)
        elif title:
            yield File(title, body)


def commands(page: str) -> list[Command]:
    return [step for step in steps(page) if isinstance(step, Command)]


def is_shown(line: str, output: str) -> bool:
    """Does a line of the output say this? `…` stands for whatever is there, and the width of columns is no matter."""
    pattern = r".*?".join(r"\s+".join(map(re.escape, part.split())) for part in line.split("…"))
    return re.search(pattern, " ".join(output.split())) is not None


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _commands(body: str) -> Iterator[Command]:
    command, shown = "", []
    for line in body.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            if command:
                yield Command(command, tuple(shown))
            command, shown = line[2:], []
        elif line.strip():
            shown.append(line)
    if command:
        yield Command(command, tuple(shown))
