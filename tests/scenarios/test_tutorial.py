"""The tutorial, followed to the letter: every file is typed, every command run, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.scenarios import documents
from tests.scenarios.command_line import PROJECT

pytestmark = [pytest.mark.scenario]

PAGE = documents.read(PROJECT / "docs" / "tutorial.md")
_EXPORT = re.compile(r'export (\w+)="?(.*?)"?')
_IS_MADE_HERE = shutil.ignore_patterns(
    ".git", ".venv", ".alerting*", "__pycache__", ".ruff_cache", ".hypothesis", "target", "logs", "site"
)


@dataclass
class Reader:
    """Somebody with a fresh copy of the project, the packages installed, and a shell that remembers what was set."""

    project: Path
    set: dict[str, str] = field(default_factory=dict)
    seconds: list[tuple[str, float]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        ours = Path(sys.executable).parent
        path = f"{ours}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.project), **self.set}

    def type(self, file: documents.File) -> None:
        target = self.project / file.path
        assert not target.exists(), f"{file.path} is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content, encoding="utf-8")

    def run(self, command: documents.Command) -> None:
        if match := _EXPORT.fullmatch(command.line):
            self.set[match[1]] = match[2].replace("$PWD", str(self.project))
            return
        if command.line.startswith("source "):
            return  # the packages of this very environment are first in the path
        started = time.monotonic()
        output = self.look_at_the_pages() if command.line == "alerting up" else self.output_of(command.line)
        self.seconds.append((command.line, round(time.monotonic() - started, 1)))
        for line in command.shown:
            assert documents.is_shown(line, output), f"$ {command.line}\n{output}\nlacks: {line}"

    def output_of(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"$ {line}\n{done.stdout}"
        return done.stdout

    def look_at_the_pages(self) -> str:
        """Start it, open the inbox, press Ctrl-C; returns what the first page said."""
        process = subprocess.Popen(
            ["alerting", "up"], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        said = ""
        for line in process.stdout or ():
            said += line
            if "Ctrl-C" in line:
                break
        try:
            address = re.findall(r"http://127\.0\.0\.1:\d+", said)[-1]
            with urllib.request.urlopen(address, timeout=20) as answer:
                return answer.read().decode()
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The reader, at the end of the page."""
    project = tmp_path_factory.mktemp("a person's folder") / "alerting pipeline"
    shutil.copytree(PROJECT, project, ignore=_IS_MADE_HERE)
    reader = Reader(project)
    for step in documents.steps(PAGE):
        if isinstance(step, documents.Command):
            reader.run(step)
        else:
            reader.type(step)
    return reader


def test_every_file_and_command_of_the_tutorial_works(reader: Reader) -> None:
    in_all = sum(seconds for _, seconds in reader.seconds)
    print("", *reader.seconds, f"in all {in_all:.0f} s", sep="\n")
    assert len(reader.seconds) >= 8
    assert in_all < 300  # so that five of the ten minutes are left for typing


def test_the_message_about_the_large_refund_is_in_the_inbox(reader: Reader) -> None:
    inbox = [json.loads(path.read_text()) for path in (Path(reader.set["ALERTING_HOME"]) / "inbox").glob("*.json")]
    assert {each["destination"] for each in inbox} == {"#shop"}
    assert sorted((each["message"]["summary"], each["message"]["transition"]) for each in inbox) == [
        ("Bo Jensen asks for €740 back, over the limit of €500", "cleared"),
        ("Bo Jensen asks for €740 back, over the limit of €500", "opened"),
        ("Eve Okoro asks for €1,200 back, over the limit of €500", "opened"),
    ]


def test_the_sample_company_is_left_alone(reader: Reader) -> None:
    assert not (reader.project / ".alerting").exists()
    for path in (PROJECT / "alert_definitions").rglob("*.yaml"):
        assert (reader.project / path.relative_to(PROJECT)).read_text() == path.read_text()
