"""benchmarks/results.md: one section a part, each with its command, the machine and the versions that it ran with."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results.md"
_HEAD = """# Results

Written by `make bench`; each section by the part that it names. Ratios were taken in one run, in turns, medians of at
least three: quote those. Times are of the machine that is named.
"""


def write_section(
    part: str, title: str, lines: Sequence[str], versions: Mapping[str, str], path: Path = RESULTS
) -> None:
    """Put the section of a part in the place of its earlier one."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else _HEAD
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    body = "\n".join(
        [
            f"<!-- {part} -->", f"## {title}", "",
            f"`python -m benchmarks --only {part}`, {datetime.now(UTC):%Y-%m-%d}, on {machine()}; {named}.", "",
            *lines, f"<!-- end of {part} -->",
        ]
    )  # fmt: skip
    section = re.compile(rf"<!-- {part} -->.*?<!-- end of {part} -->", re.DOTALL)
    text = section.sub(lambda _: body, text) if section.search(text) else f"{text.rstrip()}\n\n{body}"
    RESULTS.write_text(f"{text.rstrip()}\n", encoding="utf-8")


def machine() -> str:
    """Cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB"
