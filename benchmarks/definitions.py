"""How long checking many definition files takes: `alerting validate` as a person calls it, and the growth by a file.

    python -m benchmarks --only definitions

The definitions of the sample company with copies of its fullest one (parameters by segment, severities, actions, seven
cases) until there are 200, and 400. Each call is a process of its own: imports and the reading of dbt's manifest are in
its time. The dbt project is parsed once before.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure, Section, at_most

ROOT = Path(__file__).parent.parent
COPIED = Path("fraud/large_transaction.yaml")
MANY, TURNS = (200, 400), 3


def main() -> None:
    print(f"definitions: {', '.join(map(str, MANY))}", flush=True)
    with tempfile.TemporaryDirectory(prefix="alerting-bench-") as folder:
        home = Path(folder) / "home"
        folders = {count: _folder(Path(folder) / str(count), count) for count in MANY}
        own = _validate(ROOT / "alert_definitions", home)[0]
        seconds: dict[int, list[float]] = {count: [] for count in (own, *MANY)}
        for _ in range(TURNS):
            for count, place in {own: ROOT / "alert_definitions", **folders}.items():
                begun = time.perf_counter()
                found, errors = _validate(place, home)
                seconds[count].append(time.perf_counter() - begun)
                if (found, errors) != (count, 0):
                    raise SystemExit(f"{found} definitions with {errors} errors instead of {count} without")
    medians = {count: statistics.median(found) for count, found in seconds.items()}
    each = (medians[MANY[1]] - medians[MANY[0]]) / (MANY[1] - MANY[0]) * 1000
    figures = [Figure(f"`alerting validate`, the sample company's {own} definitions", f"{medians[own]:.2f} s")]
    figures.append(at_most(f"`alerting validate`, {MANY[0]} definitions", medians[MANY[0]], 2, " s"))
    figures.append(Figure(f"`alerting validate`, {MANY[1]} definitions", f"{medians[MANY[1]]:.2f} s"))
    figures.append(at_most(f"one more definition, from {MANY[0]} to {MANY[1]}", each, 0.5, " ms"))
    asked = [
        "Each call is a process of its own, with its imports and the reading of dbt's manifest, parsed before. Every "
        "definition is a copy of the sample company's fullest one: parsed, its SQL compiled, held against the columns "
        "of its model, its cases read."
    ]
    Section("definitions", "Checking many definitions", asked, "not used").write(figures)


def _folder(place: Path, count: int) -> Path:
    """The sample company's definitions, with copies of one until there are so many."""
    shutil.copytree(ROOT / "alert_definitions", place)
    text = (place / COPIED).read_text(encoding="utf-8")
    for number in range(count - _validate(ROOT / "alert_definitions", place.parent / "home")[0]):
        name = f"{COPIED.stem}_{number}"
        copy = text.replace(f"alert: {COPIED.stem}", f"alert: {name}", 1)
        (place / COPIED.parent / f"{name}.yaml").write_text(copy, encoding="utf-8")
    return place


def _validate(place: Path, home: Path) -> tuple[int, int]:
    """How many definitions there are, and how many errors."""
    done = subprocess.run(
        [sys.executable, "-m", "alerting_pipeline.cli", "validate", "--json"],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "ALERTING_HOME": str(home), "ALERTING_DEFINITIONS": str(place)},
    )  # fmt: skip
    try:
        said = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"`alerting validate` said: {done.stdout[-500:]}{done.stderr[-500:]}") from None
    return said["definitions"], said["errors"]


if __name__ == "__main__":
    main()
