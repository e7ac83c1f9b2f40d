"""Runs `alerting …` and `make …` as a person would: as a process, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Shell:
    """One person's terminal: a home, perhaps more environment, the project as working folder."""

    home: Path
    more: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        ours = Path(sys.executable).parent
        return {
            **os.environ,
            "PATH": f"{ours}{os.pathsep}{os.environ['PATH']}",
            "ALERTING_HOME": str(self.home),
            **self.more,
        }

    def run(self, *command: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def alerting(self, *arguments: str, timeout: float = 240) -> str:
        """Standard output of a command that must succeed."""
        done = self.run("alerting", *arguments, timeout=timeout)
        assert done.returncode == 0, f"alerting {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, timeout: float = 240) -> Any:
        return json.loads(self.alerting(*arguments, "--json", timeout=timeout))

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query as the analyst role."""
        return self.json("sql", query)
