"""Content that people post and report, and what moderators decided; with spam, abuse, and what only looks like it.

What ordinary content is reported for stays below every bound, whoever reports it; the story's items decide what fires.
Some reporters of the story have a past: earlier reports of theirs were upheld, or were not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from alerting_pipeline.demo.calendar import AS_OF, STORY_DAYS, at
from alerting_pipeline.demo.company import pick
from alerting_pipeline.demo.moderation_story import PASTS, PLOTS, Plot

ITEMS_A_DAY = 30
_KINDS = ("post", "comment", "listing")
_MILD = ("spam", "scam", "off_topic")
_ALL = (*_MILD, "abuse")
_Said = tuple[str, str, datetime]  # reporter, reason, when


@dataclass(frozen=True, slots=True)
class Item:
    """One item, with the reports on it and the decisions of moderators, each with its time."""

    item_id: str
    author_id: str
    kind: str
    audience: int
    posted_at: datetime
    reports: tuple[_Said, ...] = ()
    decisions: tuple[tuple[str, datetime], ...] = ()

    def as_row(self) -> dict[str, object]:
        """The item as the platform exports it."""
        return {
            "item_id": self.item_id,
            "author_id": self.author_id,
            "kind": self.kind,
            "audience": self.audience,
            "posted_at": self.posted_at.isoformat(),
        }


def planted_items() -> list[Item]:
    """The items of the story, and those that its reporters reported before."""
    items = [_planted(number, plot) for number, plot in enumerate(PLOTS)]
    for past in PASTS:
        for number in range(past.items):
            reported, decided = at(STORY_DAYS - 1 - number, "10:00"), at(past.decided_days_ago, "09:00")
            by = tuple((reporter, past.reason, reported) for reporter in past.reporters)
            item_id = f"I-{past.name}-{number}"
            posted = reported - timedelta(hours=2)
            items.append(Item(item_id, f"U-{past.name}", "post", 40, posted, by, ((past.decision, decided),)))
    return items


def ordinary_items(seed: int, day: date) -> Iterator[Item]:
    """The ordinary items of one day: some reported once or twice, and looked at the next morning."""
    dice = Random(f"{seed}:content:{day}")  # noqa: S311  (a story, not a secret)
    for serial in range(ITEMS_A_DAY):
        posted = datetime.combine(day, time(7), AS_OF.tzinfo) + timedelta(minutes=int(600 * dice.random()))
        roll = dice.random()
        count = 2 if roll < 0.1 else 1 if roll < 0.4 else 0
        reasons = _MILD if count == 2 else _ALL  # two reports of abuse would be worth a look
        reports = tuple(
            (f"R-{int(150 * dice.random()):03}", pick(dice, reasons), posted + timedelta(minutes=20 + 90 * number))
            for number in range(count)
        )
        decision = pick(dice, ("removed", "kept"))
        decided = datetime.combine(day + timedelta(days=1), time(9), AS_OF.tzinfo) + timedelta(minutes=serial)
        author, kind, audience = f"U-{int(200 * dice.random()):03}", pick(dice, _KINDS), int(3_000 * dice.random())
        decisions = ((decision, decided),) if reports else ()
        yield Item(f"I-{day:%Y%m%d}-{serial:03}", author, kind, audience, posted, reports, decisions)


def reports(items: Sequence[Item]) -> Iterator[tuple[date, dict[str, object]]]:
    """Each report up to now, with the day in whose file it comes."""
    for item in items:
        for number, (reporter, reason, when) in enumerate(item.reports):
            if when <= AS_OF:
                yield (
                    when.date(),
                    {
                        "report_id": f"{item.item_id}-{number}",
                        "item_id": item.item_id,
                        "reporter_id": reporter,
                        "reason": reason,
                        "reported_at": when.isoformat(),
                    },
                )


def decisions(items: Sequence[Item]) -> Iterator[tuple[date, dict[str, object]]]:
    """Each decision of a moderator up to now, with the day in whose file it comes."""
    for item in items:
        for number, (decision, when) in enumerate(item.decisions):
            if when <= AS_OF:
                yield (
                    when.date(),
                    {
                        "decision_id": f"{item.item_id}-{number}",
                        "item_id": item.item_id,
                        "decision": decision,
                        "decided_at": when.isoformat(),
                    },
                )


def _planted(number: int, plot: Plot) -> Item:
    posted = at(plot.days_ago, "06:30")
    said: list[_Said] = []
    for group in plot.reports:
        start = at(plot.days_ago - group.days_later, group.clock)
        said += [
            (reporter, group.reason, start + timedelta(minutes=7 * place))
            for place, reporter in enumerate(group.reporters(number))
        ]
    decided = () if plot.decision is None else ((plot.decision[0], at(plot.decision[1], plot.decision[2])),)
    return Item(plot.item_id(number), plot.author, plot.content, plot.audience, posted, tuple(said), decided)
