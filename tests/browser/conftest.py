"""A whole system that is up, with the sample company's first pass behind it."""

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
_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def dagster_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`alerting demo`, serving; the address of Dagster's user interface."""
    home, port, web_port = tmp_path_factory.mktemp("a home"), free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ALERTING_", "SLACK_"))}
    command = ["demo", "--days", "7", "--port", str(port), "--web-port", str(web_port)]
    log = home / "demo.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "alerting_pipeline.cli", *command], cwd=PROJECT, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, env={**environment, "ALERTING_HOME": str(home)},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _SECONDS
        while "Ctrl-C stops everything" not in log.read_text():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
