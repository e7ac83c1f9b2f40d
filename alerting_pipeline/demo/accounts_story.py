"""The planted accounts and locations: which location is at risk, which only looks so, and who must get a summary.

Each planted location has the same visitors on every working day, and another pattern in the last week alone, so that
its usual week is exact. The near misses miss by a visitor, a day or a declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from alerting_pipeline.demo.accounts import JANA, KARIM, LUCIA, Account, Location
from alerting_pipeline.demo.calendar import day_before
from alerting_pipeline.demo.labels import Kind, Label
from alerting_pipeline.demo.visits import Visit, visit

_AT_RISK = "location_at_risk"
_SUMMARY = "weekly_account_summary"
AT_RISK_TO = ("#customer-success", "accounts_at_risk")
_LONG_AGO = date(2024, 3, 4)
_WEEK = 7
Week = tuple[int, int, int, int, int, int, int]


def _account(number: int, name: str, plan: str, **more: object) -> Account:
    known = {"started_on": _LONG_AGO, "renews_on": day_before(-200), **more}
    return Account(f"A-{number}", name, plan, **known)  # type: ignore[arg-type]  # the story below names them


ACCOUNTS = (
    _account(101, "Fjord Foods", "business", owner=JANA),
    _account(102, "Delta Dental", "business", owner=LUCIA, owner_before=KARIM),
    _account(103, "Meridian Bank", "enterprise", owner=KARIM),
    _account(104, "Pixel Bureau", "starter", owner=LUCIA),
    _account(105, "Harbour Hotels", "business", owner=JANA, renews_on=day_before(-20)),
    _account(106, "Quarry Tools", "business", owner=KARIM),
    _account(107, "Summit Sports", "business", owner=KARIM, status="churned", closed_on=day_before(17)),
    _account(108, "Beacon Books", "starter", owner=None),
    _account(109, "Vista Optics", "starter", owner=LUCIA, status="trial", started_on=day_before(9)),
    _account(110, "Cobalt Music", "starter", owner=JANA),
    _account(111, "Tundra Travel", "starter", owner=LUCIA, status="churned", closed_on=day_before(3)),
)


@dataclass(frozen=True, slots=True)
class Plot:
    """One location: its visitors on a working day (`usual`) and in the last week, Monday to Sunday.

    kind None: it is there for its account's sake. `reported_again`: each visit of the week is reported that many times
    more; `reported_late`: all of the week is reported only on its last day.
    """

    kind: Kind | None
    account_id: str
    name: str
    usual: int
    week: Week
    why: str = ""
    opened_on: date = _LONG_AGO
    closed_on: date | None = None
    closure: tuple[date, date, str] | None = None
    reported_again: int = 0
    is_reported_late: bool = False


_NONE: Week = (0, 0, 0, 0, 0, 0, 0)
PLOTS = (
    Plot("exception", "A-101", "Bergen office", 4, _NONE, "no visitor all week, where twenty are usual"),
    Plot("exception", "A-102", "Clinic Ghent", 5, (1, 2, 2, 2, 2, 0, 0), "nine visitors, twenty-five are usual"),
    Plot("exception", "A-103", "Trading floor", 6, (4, 4, 3, 3, 3, 0, 0), "over four tenths fewer, in an enterprise"),
    Plot("exception", "A-104", "Studio", 4, (5, 5, 0, 0, 0, 0, 0), "half the visitors, but none since Tuesday"),
    Plot("exception", "A-105", "Harbour front", 3, (2, 1, 0, 0, 0, 0, 0), "a fifth of the visitors, and the account "
         "renews in three weeks"),
    Plot("exception", "A-106", "Works gate", 4, (2, 1, 1, 1, 2, 0, 0), "seven visitors of twenty; each was reported "
         "twice", reported_again=1),
    Plot("near_miss", "A-101", "Kiosk", 1, _NONE, "no visitor all week, but only five are usual"),
    Plot("near_miss", "A-101", "Turku office", 4, _NONE, "no visitor all week, but its holiday was declared",
         closure=(day_before(7), day_before(1), "company holiday")),
    Plot("near_miss", "A-101", "Cork office", 5, (2, 2, 2, 2, 2, 0, 0), "exactly six tenths fewer"),
    Plot("near_miss", "A-102", "Clinic Graz", 6, (4, 4, 3, 3, 3, 0, 0), "over four tenths fewer, in no enterprise"),
    Plot("near_miss", "A-103", "Old vault", 4, _NONE, "no visitor, but it was closed for good last week",
         closed_on=day_before(8)),
    Plot("near_miss", "A-103", "New branch", 6, (1, 0, 0, 0, 0, 0, 0), "hardly a visitor, but it opened two weeks ago",
         opened_on=day_before(15)),
    Plot("near_miss", "A-104", "Loft", 4, (4, 4, 4, 0, 0, 0, 0), "six tenths of the visitors, none since Wednesday"),
    Plot("near_miss", "A-105", "Old town", 3, (3, 3, 3, 3, 3, 0, 0), "a usual week, reported on its last day",
         is_reported_late=True),
    Plot("near_miss", "A-107", "Arena", 4, _NONE, "no visitor, but the account has left"),
    Plot(None, "A-108", "Shop", 3, (3, 3, 3, 3, 3, 0, 0)),
    Plot(None, "A-109", "Counter", 2, (2, 2, 2, 2, 2, 0, 0), opened_on=day_before(9)),
    Plot(None, "A-110", "Rehearsal room", 0, _NONE),
    Plot(None, "A-111", "Agency", 3, (3, 3, 3, 3, 0, 0, 0), closed_on=day_before(3)),
)  # fmt: skip

_NO_SUMMARY = {
    "A-107": "it left over two weeks ago",
    "A-108": "nobody looks after it, so there is nobody to send it to",
    "A-109": "it is still on trial",
    "A-111": "it left during the week, in which it still had visitors",
}
_WITH_A_TWIST = {
    "A-102": "its manager changed since the earlier export: the new one gets it",
    "A-110": "active without a single visitor, which its manager should hear all the more",
}


def location_id(plot: Plot) -> str:
    """The id of a plot's location."""
    number = [each.name for each in PLOTS if each.account_id == plot.account_id].index(plot.name) + 1
    return f"L-{plot.account_id[2:]}-{number:02}"


def locations() -> list[Location]:
    """The locations of the story, as production knows them."""
    return [
        Location(
            location_id(plot), plot.account_id, plot.name, "Bergen", plot.opened_on, plot.usual, plot.closed_on,
            plot.closure,
        )
        for plot in PLOTS
    ]  # fmt: skip


def visits(day: date) -> Iterator[Visit]:
    """The visits of one day at the locations of the story."""
    for plot in PLOTS:
        for serial in range(_visitors(plot, day)):
            first_report = day_before(1) if plot.is_reported_late and day >= day_before(_WEEK) else day
            again = plot.reported_again if day >= day_before(_WEEK) else 0
            days = tuple(first_report + timedelta(days=number) for number in range(1 + again))
            yield visit(location_id(plot), day, serial, minute=30 * serial, is_host_notified=True, reported_on=days)


def at_risk_labels() -> list[Label]:
    """Which of the locations are at risk."""
    return [
        Label(
            _AT_RISK, {"location_id": location_id(plot)}, plot.kind, plot.why,
            to=AT_RISK_TO if plot.kind == "exception" else (),
        )
        for plot in PLOTS
        if plot.kind is not None
    ]  # fmt: skip


def summary_labels(accounts: Sequence[Account]) -> list[Label]:
    """Which accounts' weekly summary must be sent, and to whom."""
    found = []
    for account in accounts:
        entity = {"account_id": account.account_id}
        if account.account_id in _NO_SUMMARY:
            found.append(Label(_SUMMARY, entity, "near_miss", _NO_SUMMARY[account.account_id]))
        elif account.owner is not None:
            why = _WITH_A_TWIST.get(account.account_id, "an active account of this manager")
            found.append(Label(_SUMMARY, entity, "exception", why, to=(account.owner.email,)))
    return found


def _visitors(plot: Plot, day: date) -> int:
    if day < plot.opened_on or (plot.closed_on is not None and day >= plot.closed_on):
        return 0
    if day >= day_before(_WEEK):
        return plot.week[day.weekday()]
    return plot.usual if day.weekday() < 5 else 0
