"""A share of a count, with Wilson's score interval: honest for the few verdicts that an alert has.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054  # the normal quantile of a 95 % interval


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with the interval that holds the true share in 95 of 100 such samples."""

    hits: int
    of: int
    value: float
    low: float
    high: float


def share(hits: int, of: int) -> Share | None:
    """None of nothing."""
    if of == 0:
        return None
    value, square = hits / of, Z * Z
    middle = (value + square / (2 * of)) / (1 + square / of)
    half = Z / (1 + square / of) * math.sqrt(value * (1 - value) / of + square / (4 * of * of))
    return Share(hits, of, value, max(0.0, middle - half), min(1.0, middle + half))
