"""Every command that the README shows is run here, in the README's order, in a home of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.scenarios import documents
from tests.scenarios.command_line import PROJECT, Shell

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(900)]

README = (PROJECT / "README.md").read_text(encoding="utf-8")
# The tutorial is followed in a copy of the project, by a test of its own.
OTHER_PAGES = [
    page
    for page in sorted((PROJECT / "docs").rglob("*.md"))
    if page.name != "tutorial.md" and documents.commands(documents.read(page))
]
# Not run here: the first two would run this very suite within itself, the last one is run (and stopped) below.
ELSEWHERE = {"make test", "make test-all", "make check", "make bench", "git clone", "cd"}
SERVING = {"make demo", "alerting up"}


def shown_commands() -> list[str]:
    """What the README has its reader type, in order."""
    return [step.line for step in documents.commands(README)]


def is_elsewhere(command: str) -> bool:
    return any(command == name or command.startswith(f"{name} ") for name in ELSEWHERE)


def test_the_readme_shows_commands() -> None:
    assert "make demo" in shown_commands()
    assert sum(command.startswith("alerting ") for command in shown_commands()) >= 8


def test_every_shown_command_works_in_order(shell: Shell) -> None:
    for step in documents.commands(README):
        command = step.line
        if is_elsewhere(command):
            assert (
                command.split()[0] in {"git", "cd"} or f"\n{command.split()[1]}:" in (PROJECT / "Makefile").read_text()
            )
        elif command in SERVING:
            serves_and_stops(shell, command)
        else:
            done = shell.run("bash", "-c", command, timeout=600)
            assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
            assert [line for line in step.shown if not documents.is_shown(line, done.stdout)] == []


def test_the_definition_that_the_readme_shows_is_a_good_one(shell: Shell, tmp_path: Path) -> None:
    [shown] = re.findall(r"```yaml\n(version: 1\nalert:.*?)```", README, flags=re.DOTALL)
    folder = tmp_path / "definitions"
    shutil.copytree(PROJECT / "alert_definitions", folder)
    (folder / "fraud" / "large_transaction.yaml").write_text(shown)
    own = Shell(shell.home, {"ALERTING_DEFINITIONS": str(folder)})
    assert own.json("validate")["errors"] == 0


@pytest.mark.parametrize("page", OTHER_PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_other_pages_works_in_the_sample_company_s_home(shell: Shell, page: Path) -> None:
    assert shell.run("alerting", "deliver", "--once", timeout=240).returncode == 0  # a worker runs beside `make demo`
    for command in documents.commands(documents.read(page)):
        if not is_elsewhere(command.line):
            done = shell.run("bash", "-c", command.line, timeout=240)
            assert done.returncode == 0, f"{page.name}: $ {command.line}\n{done.stdout}\n{done.stderr}"


def serves_and_stops(shell: Shell, command: str) -> None:
    """Start it, wait for the addresses, open both, stop it by Ctrl-C: it ends within 10 s and leaves nothing."""
    process = subprocess.Popen(
        shlex.split(command), cwd=PROJECT, env=shell.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    text = "".join(said)
    addresses = re.findall(r"http://127\.0\.0\.1:\d+", text)
    assert len(addresses) >= 2, text
    for address in addresses:
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200
    asked = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=20)
    assert time.monotonic() - asked < 10
    with pytest.raises(OSError):
        urllib.request.urlopen(addresses[0], timeout=2)


def test_everything_the_readme_names_is_there() -> None:
    for path in re.findall(r"\]\((?!http|#)([^)]+)\)", README):
        assert (PROJECT / path).exists(), path
