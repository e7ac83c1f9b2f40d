"""Which team may spend what on the cloud, what each really spends, and the days on which that is a story.

A delivery of the cost report restates its whole month, so a day may come to be over its budget only later, or turn out
not to have been. `spent` therefore answers for one delivery: 0 is the newest of a period, 1 the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from alerting_pipeline.demo.calendar import day_before
from alerting_pipeline.demo.labels import Kind, Label

CURRENCY = "USD"
UNALLOCATED = "unallocated"
HEARS = ("#cloud-cost", "finops-mail")
"""Who must hear of an exception, by the routing tree."""
_ALERT = "over_daily_budget"
_DIGITS = Decimal("0.0000000001")


@dataclass(frozen=True, slots=True)
class Spender:
    """A team (or nobody: no budget), where its cost arises as (account, application), and its share of the budget."""

    team: str
    seats: tuple[tuple[str, str | None], ...]
    budget: Decimal | None
    usual: Decimal


SPENDERS = (
    Spender("checkout", (("210000000001", None),), Decimal(400), Decimal(290)),
    Spender("search", (("210000000002", "search"),), Decimal(600), Decimal(410)),
    Spender("mobile", (("210000000002", "mobile-api"),), Decimal(250), Decimal(170)),
    Spender("data-science", (("210000000003", None),), Decimal(800), Decimal(620)),
    Spender("platform", (("210000000004", None), ("210000000002", None)), Decimal(500), Decimal(380)),
    Spender(UNALLOCATED, (("210000000005", None),), None, Decimal(90)),
)


@dataclass(frozen=True, slots=True)
class _Plot:
    """What a team spent on a day, as a share of its budget: by the newest delivery, and by the earlier ones."""

    kind: Kind
    team: str
    days_ago: int
    newest: str
    earlier: str
    why: str


_PLOTS = (
    _Plot("exception", "checkout", 3, "1.28", "0.81", "over its budget, which only the newest restatement shows"),
    _Plot("exception", "search", 5, "2.3", "2.3", "more than twice its budget in every delivery"),
    _Plot("exception", "data-science", 2, "1.31", "1.02", "over the share of its budget that it was allowed"),
    _Plot("near_miss", "mobile", 4, "0.93", "1.34", "over its budget in earlier deliveries, under it in the newest"),
    _Plot("near_miss", "platform", 6, "1", "0.97", "exactly its budget"),
    _Plot("near_miss", "data-science", 7, "1.24", "1.2", "over its budget, within the share that it was allowed"),
    _Plot("near_miss", "checkout", 8, "0.9999", "0.99", "four cents under its budget"),
)
_UNALLOCATED_PEAK = 4


def labels() -> list[Label]:
    """The labels of the planted days."""
    planted = [
        Label(_ALERT, {"team": plot.team, "day": day_before(plot.days_ago).isoformat()}, plot.kind, plot.why, HEARS)
        for plot in _PLOTS
    ]
    peak = {"team": UNALLOCATED, "day": day_before(_UNALLOCATED_PEAK).isoformat()}
    return [*planted, Label(_ALERT, peak, "near_miss", "ten times the usual, but nobody's, so there is no budget")]


def spent(seed: int, spender: Spender, day: date, deliveries_before_newest: int) -> Decimal:
    """What the spender's day comes to in one delivery, in USD to ten digits.

    Ordinary days stay between 85 and 115 % of the usual, well under the budget; the earlier deliveries of a period
    know a little less.
    """
    for plot in _PLOTS:
        if spender.budget is not None and (plot.team, day_before(plot.days_ago)) == (spender.team, day):
            share = plot.newest if deliveries_before_newest == 0 else plot.earlier
            return (spender.budget * Decimal(share)).quantize(_DIGITS)
    dice = Random(f"{seed}:cost:{spender.team}:{day}")  # noqa: S311  (a story, not a secret)
    usual = spender.usual * Decimal(str(round(0.85 + 0.3 * dice.random(), 6)))
    if spender.team == UNALLOCATED and day == day_before(_UNALLOCATED_PEAK):
        usual *= 10
    known = Decimal(1) - Decimal("0.02") * deliveries_before_newest
    return (usual * known).quantize(_DIGITS)
