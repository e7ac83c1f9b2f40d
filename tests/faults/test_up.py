"""`alerting up` leaves nothing behind, however it is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
if sys.platform != "linux":
    pytest.skip("processes are counted in /proc, which only Linux has", allow_module_level=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _processes_of(home: Path) -> dict[int, str]:
    """Every live process whose environment or arguments name this home."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in said and state != "Z":
            found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120]
    found.pop(os.getpid(), None)
    return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    home, log = tmp_path / "a home", tmp_path / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "alerting_pipeline.cli", "up", "--port", str(_free_port()),
             "--web-port", str(_free_port())],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "ALERTING_HOME": str(home)},
        )  # fmt: skip
    deadline = time.monotonic() + 150
    while "Ctrl-C stops everything" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield process, home, log
    for pid in _processes_of(home):
        os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_ten_seconds_after_a_signal(
    up: tuple[subprocess.Popen[bytes], Path, Path], number: signal.Signals
):
    process, home, log = up
    assert len(_processes_of(home)) > 6
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=20) == 0, log.read_text()
    assert time.monotonic() - began < 10
    assert _processes_of(home) == {}


def test_the_parts_end_by_themselves_when_the_parent_is_killed(up: tuple[subprocess.Popen[bytes], Path, Path]):
    process, home, _ = up
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while left := _processes_of(home):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)


def test_a_port_in_use_is_one_sentence_with_the_remedy(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "alerting_pipeline.cli", "up", "--port", str(port)], cwd=PROJECT,
            capture_output=True, text=True, check=False, env={**os.environ, "ALERTING_HOME": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"alerting: Port {port} for the Dagster user interface is in use")
    assert done.stderr.strip().endswith("give --port PORT")


def test_a_stopped_demo_says_so_without_a_traceback(tmp_path: Path):
    home, log = tmp_path / "a home", tmp_path / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "alerting_pipeline.cli", "demo", "--once", "--days", "1"], cwd=PROJECT,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "ALERTING_HOME": str(home)},
        )  # fmt: skip
    deadline = time.monotonic() + 120
    while "start: " not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 1
    assert log.read_text().rstrip().endswith("stopped")
    assert _processes_of(home) == {}
