"""The planted content: a spam wave, abuse, and what a count of reports alone would take for it.

A reporter without a past weighs a half; one whose eight earlier reports were all upheld 0.9, one whose were all turned
down 0.1. Near misses miss by one reporter, or by who the reporters are.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerting_pipeline.demo.labels import Kind, Label

_ALERT = "content_reported"
_CHANNEL = ("#trust-and-safety",)
_SERIOUS = ("#trust-and-safety", "trust-and-safety-mail")


@dataclass(frozen=True, slots=True)
class Past:
    """What some reporters reported before: as many items each, all decided alike on the same day."""

    name: str
    reporters: tuple[str, ...]
    items: int
    decision: str
    decided_days_ago: int
    reason: str = "spam"


@dataclass(frozen=True, slots=True)
class Reports:
    """Some reports on one item. `who` names people with a past, or `new`: people seen for the first time."""

    count: int
    reason: str
    who: str = "new"
    days_later: int = 0
    clock: str = "08:00"

    def reporters(self, plot: int) -> tuple[str, ...]:
        """Who reports: everybody another person, but for `one`, who reports again and again."""
        if self.who == "one":
            return (f"R-one-{plot}",) * self.count
        if self.who == "new":
            return tuple(f"R-new-{plot}-{self.days_later}-{number}" for number in range(self.count))
        return tuple(f"R-{self.who}-{number}" for number in range(self.count))


@dataclass(frozen=True, slots=True)
class Plot:
    """One case: the item, who reported it for what, and what a moderator decided (decision, days ago, clock)."""

    kind: Kind
    why: str
    reports: tuple[Reports, ...]
    to: tuple[str, ...] = ()
    author: str = "U-walk-in"
    audience: int = 120
    days_ago: int = 2
    content: str = "post"
    decision: tuple[str, int, str] | None = None

    def item_id(self, number: int) -> str:
        """Its name in the data, which doesn't tell what it is."""
        return f"I-{9_000 + number}"


PASTS = (
    Past("careful", tuple(f"R-careful-{number}" for number in range(4)), 8, "removed", 4),
    Past("quarrel", tuple(f"R-quarrel-{number}" for number in range(10)), 8, "kept", 4),
    # Decided this morning: when they reported the story's item, nobody knew yet that they were right.
    Past("proven", tuple(f"R-proven-{number}" for number in range(2)), 4, "removed", 1),
)

_WAVE = "U-bargains"
_KEPT = ("kept", 2, "17:00")
_SPAM_AND_CAREFUL = (Reports(4, "spam"), Reports(2, "spam", "careful", clock="12:00"))
_SEVEN_SINCE = (Reports(5, "spam"), Reports(7, "scam", days_later=1))
_ONE_SINCE = (Reports(8, "spam"), Reports(1, "spam", days_later=1))
_REMOVED = ("removed", 1, "09:30")
PLOTS = (
    Plot("exception", "spam wave: eight people", (Reports(8, "spam"),), _CHANNEL, _WAVE, content="listing"),
    Plot("exception", "spam wave: seven people", (Reports(7, "scam"),), _CHANNEL, _WAVE, 300, 1, "listing"),
    Plot("exception", "spam wave: exactly the bound", (Reports(6, "spam"),), _CHANNEL, _WAVE, 300, 1, "listing"),
    Plot("exception", "abuse, and both who say so were always right", (Reports(2, "abuse", "careful"),), _SERIOUS),
    Plot("exception", "a threat that very many see", (Reports(3, "threat"),), _SERIOUS, audience=48_000, days_ago=1),
    Plot("exception", "six people, two of them always right", _SPAM_AND_CAREFUL, _CHANNEL),
    Plot("exception", "kept once, and reported by seven people since", _SEVEN_SINCE, _CHANNEL, decision=_KEPT),
    Plot("near_miss", "twelve reports by one person", (Reports(12, "spam", "one"),)),
    Plot("near_miss", "ten people who were never right, all at once", (Reports(10, "spam", "quarrel"),)),
    Plot("near_miss", "nine people, but it was removed already", (Reports(9, "scam"),), decision=_REMOVED),
    Plot("near_miss", "five people: one too few", (Reports(5, "spam"),)),
    Plot("near_miss", "eight people, then kept, and one since", _ONE_SINCE, decision=_KEPT),
    Plot("near_miss", "two people who turned out to be right, but later", (Reports(2, "abuse", "proven"),)),
    Plot("near_miss", "nine people find it off topic, which takes more", (Reports(9, "off_topic"),)),
)


def labels() -> list[Label]:
    """The labels of the story."""
    return [
        Label(_ALERT, {"item_id": plot.item_id(number)}, plot.kind, plot.why, to=plot.to)
        for number, plot in enumerate(PLOTS)
    ]
