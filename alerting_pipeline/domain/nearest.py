"""What somebody probably meant: the nearest known name to one that isn't known."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def did_you_mean(name: str, known: Collection[str], likeness: float = 0.6) -> str | None:
    """`did you mean "risk-ops"?`, or None if nothing known is near enough; equal names have a likeness of 1."""
    folded = {candidate.lower(): candidate for candidate in sorted(known)}
    near = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=likeness)
    return f'did you mean "{folded[near[0]]}"?' if near else None
