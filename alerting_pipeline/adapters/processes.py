"""Child processes that never outlive us: started in a session of their own, stopped by group, leashed to their parent.

Three things go wrong with plain `Popen`: a child of a background script inherits ignored signals and can't be stopped;
a child that starts others leaves them behind; and a parent that is killed leaves everything behind. So each child is
started through a few lines that restore the signals and ask the kernel for SIGTERM when the parent dies (Linux; on
other systems that last part is left out), and is stopped together with its process group.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from alerting_pipeline.domain.errors import AlertingError

# Runs before the program proper. PR_SET_PDEATHSIG is 1. A parent that died in between is seen by the changed id.
_LEASH = """
import os, signal, sys
for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def leashed(arguments: Sequence[str]) -> list[str]:
    """The same command, but it gets SIGTERM when the thread that starts it ends. Start it from a lasting thread."""
    return [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *arguments]


@dataclass(frozen=True, slots=True)
class Child:
    """One started process: its name for people, where its output goes, and what it takes to start it again."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # holds secrets

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_words(self, lines: int = 3) -> str:
        """The end of its output, for the sentence that says why it ended."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:])


@dataclass(slots=True)
class Children:
    """The processes of one `alerting up`. Use it as a context manager: leaving it stops all of them."""

    logs: Path
    # Dagster's processes take 5 to 12 s to end by themselves; all state is in Postgres, so none needs to be waited for.
    grace_seconds: float = 4.0
    started: list[Child] = field(default_factory=list)

    def __enter__(self) -> Children:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a program whose output goes to `<logs>/<name>.log`. `environment` is all that it gets."""
        log = self.logs / f"{name}.log"
        log.write_bytes(b"")
        child = Child(name, _begin(arguments, environment, log), log, tuple(arguments), environment)
        self.started.append(child)
        return child

    def revive(self, child: Child) -> Child:
        """Start a child that has ended again; its output goes on where it stopped. What it had started is ended."""
        signal_groups([child], signal.SIGKILL)
        again = replace(child, process=_begin(child.arguments, child.environment, child.log))
        self.started[self.started.index(child)] = again
        return again

    def ended(self) -> list[Child]:
        """The children that are no longer running."""
        return [child for child in self.started if child.has_ended]

    def stop(self) -> None:
        """Ask every group to end, then, after `grace_seconds`, end it. Returns when none is left."""
        signal_groups(self.started, signal.SIGTERM)
        deadline = time.monotonic() + self.grace_seconds
        while time.monotonic() < deadline and any(_group_lives(child) for child in self.started):
            time.sleep(0.05)
        signal_groups(self.started, signal.SIGKILL)
        for child in self.started:
            child.process.wait()
        self.started.clear()


def _begin(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            leashed(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=environment, start_new_session=True,
        )  # fmt: skip


def signal_groups(children: Sequence[Child], number: signal.Signals) -> None:
    """Send a signal to each child and to whatever it started."""
    for child in children:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)


def stop_group(process: subprocess.Popen[str], grace_seconds: float = 5.0) -> None:
    """End one process that was started in a session of its own, first politely."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            return


def require_free_port(port: int, what: str, option: str) -> None:
    """Refuse in one sentence to start `what` on a port that somebody else listens on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as err:
            raise AlertingError(
                f"Port {port} for {what} is in use ({err.strerror}); stop what listens there or give {option} PORT"
            ) from err


def answers(port: int, timeout: float = 1.0) -> bool:
    """Does something accept connections on this port of the loopback?"""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=timeout):
        return True
    return False


def _group_lives(child: Child) -> bool:
    child.process.poll()  # reaps it, or the group of a dead leader would seem to live
    try:
        os.killpg(child.process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
