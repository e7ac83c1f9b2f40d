"""Child processes are stopped with everything that they started, and don't outlive a parent that is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alerting_pipeline.adapters.processes import Children, answers, leashed, require_free_port
from alerting_pipeline.domain.errors import AlertingError

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys\n"
    f"p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE, text=True)\n"
    "p.stdout.readline()\n"
    "print(p.pid, flush=True)\n"
    "p.wait()"
)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _said(log: Path) -> str:
    return log.read_text() if log.exists() else ""


def test_leaving_stops_a_polite_child_at_once(tmp_path: Path):
    with Children(tmp_path) as children:
        child = children.start("sleeper", _python(SLEEPER), {})
        _wait_until(lambda: _said(child.log))
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert not _lives(child.process.pid)


def test_what_a_child_started_goes_with_it_even_if_it_ignores_the_signal(tmp_path: Path):
    with Children(tmp_path, grace_seconds=0.5) as children:
        child = children.start("parent", _python(PARENT), {})
        _wait_until(lambda: _said(child.log).endswith("\n"))
        grandchild = int(_said(child.log).split()[0])
        assert _lives(grandchild)
    _wait_until(lambda: not _lives(grandchild))


def test_a_child_that_ended_is_noticed_with_its_last_words(tmp_path: Path):
    with Children(tmp_path) as children:
        children.start("sleeper", _python(SLEEPER), {})
        broken = children.start("broken", _python("raise SystemExit('no disk left')"), {})
        _wait_until(children.ended)
        assert children.ended() == [broken]
        assert broken.last_words() == "no disk left"
        again = children.revive(broken)
        again.process.wait(timeout=20)
        assert again.last_words() == "no disk left | no disk left"  # what it said before is kept
        assert children.started.count(again) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path):
    code = (
        "import sys, time; from pathlib import Path; from alerting_pipeline.adapters.processes import Children\n"
        f"children = Children(Path({str(tmp_path)!r}))\n"
        f"print(children.start('sleeper', [sys.executable, '-c', {SLEEPER!r}], {{}}).process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    parent = subprocess.Popen(_python(code), stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    _wait_until(lambda: _said(tmp_path / "sleeper.log"))
    parent.kill()
    parent.wait()
    _wait_until(lambda: not _lives(child))


def test_a_child_can_be_interrupted_though_its_parent_ignores_interrupts(tmp_path: Path):
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(leashed(_python(SLEEPER)), stdout=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) != 0


def test_a_port_in_use_is_one_sentence_with_the_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert answers(port)
        with pytest.raises(AlertingError, match=rf"Port {port} for Dagster is in use .*--port PORT"):
            require_free_port(port, "Dagster", "--port")
    assert not answers(port)
    require_free_port(port, "Dagster", "--port")
