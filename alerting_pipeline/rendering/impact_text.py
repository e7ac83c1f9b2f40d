"""The impact that is kept with a request, in a few lines: for whoever decides, and for whoever looks back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def impact_lines(impact: Mapping[str, Any] | None) -> dict[str, str]:
    """By what each says. A request that was made without a replay has none."""
    found = {}
    if impact and "before" in impact:
        before, after = impact["before"], impact["after"]
        volume = ", ".join(
            f"{what} a week {before[f'{what}_per_week']:.1f} → {after[f'{what}_per_week']:.1f}"
            for what in ("incidents", "messages")
        )
        entities = f"{impact['gained']:,} entities gained, {impact['lost']:,} lost, {impact['common']:,} the same"
        found["The last days"] = f"over {impact['days']} days, {volume}; {entities}"
    elif impact and "unknown" in impact:
        found["The last days"] = f"what it would have done is not known: {impact['unknown']}"
    if impact and "calibration" in impact:
        found["Evidence"] = _evidence(impact["calibration"])
    return found


def _evidence(kept: Mapping[str, Any]) -> str:
    precision = kept["precision"]
    right = "nobody said what was right"
    if precision is not None:
        interval = f"95 %: {precision['low']:.0%} to {precision['high']:.0%}"
        right = f"precision {precision['value']:.0%} ({precision['hits']} of {precision['of']}; {interval})"
    during = f"{kept['from'][:10]} to {kept['to'][:10]}"
    return (
        f"the loosest of {kept['tried']:,} values with {kept['target']}, {during}: "
        f"{kept['incidents_per_week']:.1f} incidents a week, {right}"
    )
