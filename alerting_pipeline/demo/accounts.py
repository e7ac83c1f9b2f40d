"""Who the sample company sells its visitor sign-in to: accounts, their locations, managers and subscriptions.

None of it depends on the seed: which manager must receive an account's summary is part of the story, which is the
same for every seed. Only how many visitors come is up to chance (demo.visits).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from alerting_pipeline.demo.calendar import day_before

ACCOUNTS = 48
Plan = Literal["starter", "business", "enterprise"]
_PLANS: tuple[Plan, ...] = ("business", "starter", "business", "enterprise", "starter", "business", "starter")
_LOCATIONS = {"starter": (1, 2), "business": (4, 6), "enterprise": (9, 12)}
_PRICE = {"starter": 89, "business": 249, "enterprise": 419}  # a month and location, in USD
_TREES = ("Alder", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Oak", "Rowan", "Spruce", "Willow")
_KINDS = ("Works", "Labs", "Partners", "Group", "Studios")
_CITIES = ("Bergen", "Cork", "Ghent", "Graz", "Lyon", "Porto", "Tartu", "Turku", "Aarhus", "Basel", "Leeds", "Turin")
_SITES = ("Head office", "Warehouse", "Showroom", "Annex", "Campus", "Depot")


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer success manager, as the CRM names them."""

    name: str
    email: str


JANA = Owner("Jana Kowalska", "jana.kowalska@example.com")
KARIM = Owner("Karim Benali", "karim.benali@example.com")
LUCIA = Owner("Lucia Ferro", "lucia.ferro@example.com")
OWNERS = (JANA, KARIM, LUCIA)


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `owner_before`: who looked after it in the earlier export of the CRM; None: the same."""

    account_id: str
    name: str
    plan: Plan
    owner: Owner | None
    started_on: date
    renews_on: date
    status: Literal["active", "churned", "trial"] = "active"
    closed_on: date | None = None
    owner_before: Owner | None = None

    def as_row(self, is_newest: bool) -> tuple[object, ...]:
        """The account as ACCOUNT_COLUMNS name it, in the newest export or an earlier one."""
        owner = self.owner if is_newest or self.owner_before is None else self.owner_before
        name, email = (owner.name, owner.email) if owner else (None, None)
        return (
            self.account_id, self.name, self.plan, self.status, name, email, self.started_on, self.renews_on,
            self.closed_on,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Location:
    """One location with an iPad at its reception. `usual`: visitors on a working day; closures are declared."""

    location_id: str
    account_id: str
    name: str
    city: str
    opened_on: date
    usual: int
    closed_on: date | None = None
    closure: tuple[date, date, str] | None = None

    def as_row(self) -> tuple[object, ...]:
        """The location as LOCATION_COLUMNS name it."""
        closure = self.closure or (None, None, None)
        return self.location_id, self.account_id, self.name, self.city, self.opened_on, self.closed_on, *closure


ACCOUNT_COLUMNS = (
    "account_id", "name", "plan", "status", "owner_name", "owner_email", "started_on", "renews_on", "closed_on",
)  # fmt: skip
LOCATION_COLUMNS = (
    "location_id", "account_id", "name", "city", "opened_on", "closed_on", "closure_from", "closure_until",
    "closure_reason",
)  # fmt: skip
SUBSCRIPTION_COLUMNS = ("subscription_id", "account_id", "plan", "monthly_price", "currency", "started_on", "ended_on")
PAYMENT_COLUMNS = ("payment_id", "subscription_id", "paid_on", "amount", "currency", "status")


@lru_cache(maxsize=1)
def ordinary_accounts() -> tuple[Account, ...]:
    """The accounts with which nothing is the matter."""
    return tuple(
        Account(
            account_id=f"A-{number:03}",
            name=f"{_TREES[number % len(_TREES)]} {_KINDS[number // len(_TREES) % len(_KINDS)]}",
            plan=_PLANS[number % len(_PLANS)],
            owner=OWNERS[number % len(OWNERS)],
            started_on=date(2024, 1 + number % 12, 1 + number * 5 % 28),
            renews_on=day_before(-(70 + number * 7)),
        )
        for number in range(1, ACCOUNTS + 1)
    )


@lru_cache(maxsize=1)
def ordinary_locations() -> tuple[Location, ...]:
    """Their locations: one or two of a starter, up to a dozen of an enterprise."""
    found = []
    for number, account in enumerate(ordinary_accounts(), start=1):
        least, most = _LOCATIONS[account.plan]
        for site in range(least + number % (most - least + 1)):
            found.append(
                Location(
                    location_id=f"L-{account.account_id[2:]}-{site + 1:02}",
                    account_id=account.account_id,
                    name=f"{_SITES[site % len(_SITES)]} {site // len(_SITES) + 1}",
                    city=_CITIES[(number + site) % len(_CITIES)],
                    opened_on=account.started_on + timedelta(days=14 * site),
                    usual=2 + (number + 2 * site) % 5,
                )
            )
    return tuple(found)


def subscription_rows(accounts: Sequence[Account], locations: Sequence[Location]) -> list[tuple[object, ...]]:
    """One subscription per account that ever paid, priced by its locations."""
    return [
        (
            f"S-{account.account_id[2:]}", account.account_id, account.plan, monthly_price(account, locations), "USD",
            account.started_on, account.closed_on,
        )
        for account in accounts
        if account.status != "trial"
    ]  # fmt: skip


def payment_rows(day: date, accounts: Sequence[Account], locations: Sequence[Location]) -> list[tuple[object, ...]]:
    """What the payment provider collected on a day: a subscription is paid on the day of the month it started on."""
    return [
        (
            f"P-{account.account_id[2:]}-{day:%Y%m}", f"S-{account.account_id[2:]}", day,
            monthly_price(account, locations), "USD", "paid",
        )
        for account in accounts
        if account.status != "trial"
        and account.started_on.day == day.day
        and (account.closed_on is None or day < account.closed_on)
    ]  # fmt: skip


def monthly_price(account: Account, locations: Sequence[Location]) -> int:
    """The price of a plan for each location that is open."""
    count = sum(each.account_id == account.account_id and each.closed_on is None for each in locations)
    return _PRICE[account.plan] * max(count, 1)
