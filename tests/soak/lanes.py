"""A whole run: what measures time alone, then two lanes side by side, one for each core of a small machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from tests.conftest import PROJECT
from tests.soak.promise import AREAS

ALONE = ("storm", "sink faults")
"""Their figures are seconds: nothing else may run."""
LONGEST = ("year", "outcomes", "incidents", "late rows")
"""The year takes about as long as all kills of delivery workers; what is quick fills up."""
LANES = (LONGEST, tuple(area for area in AREAS if area not in (*ALONE, *LONGEST)))


def run(minutes: float, count: int | None) -> int:
    """Every area once; the exit status of the worst."""
    began = time.monotonic()
    worst = _start(ALONE, minutes, count).wait()
    left = minutes - (time.monotonic() - began) / 60
    lanes = [_start(lane, left, count) for lane in LANES]
    worst = max(worst, *(lane.wait() for lane in lanes))
    print(f"\nall areas in {(time.monotonic() - began) / 60:.1f} minutes")
    return worst


def _start(areas: Sequence[str], minutes: float, count: int | None) -> subprocess.Popen[bytes]:
    chosen = [word for area in areas for word in ("--only", area)]
    counted = [] if count is None else ["--count", str(count)]
    command = [sys.executable, "-m", "tests.soak", *chosen, *counted, "--minutes", f"{max(minutes, 0):.1f}"]
    return subprocess.Popen(command, cwd=PROJECT)
