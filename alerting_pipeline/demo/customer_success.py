"""The files about accounts, as five systems deliver them: CRM, production, iPads, help desk and payment provider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from alerting_pipeline.demo import accounts, accounts_story, visits
from alerting_pipeline.demo.accounts import Account, Location
from alerting_pipeline.demo.calendar import AS_OF, day_before, past_days
from alerting_pipeline.demo.labels import Label
from alerting_pipeline.demo.landing import as_csv, as_json_lines

File = tuple[str, str, bytes, int]  # source, path under its root, content, rows
_EXPORTS = ((7, False), (0, True))  # days before AS_OF; is it the newest
_TICKET_COLUMNS = ("ticket_id", "account_id", "location_id", "subject", "priority", "opened_at", "closed_at")
_SUBJECTS = ("iPad offline", "Badge printer jams", "Host gets no message", "Invoice question", "New logo")
_PRIORITIES = ("normal", "normal", "high", "low")


def files(days: int, seed: int, truth: list[Label]) -> Iterator[File]:
    """Every file, one after the other; the labels of what is in them go to `truth`."""
    everyone = [*accounts.ordinary_accounts(), *accounts_story.ACCOUNTS]
    everywhere = [*accounts.ordinary_locations(), *accounts_story.locations()]
    yield from _exports(everyone, everywhere)
    yield from _payments(days, everyone, everywhere)
    yield from _visits(days, seed)
    truth += accounts_story.at_risk_labels()
    truth += accounts_story.summary_labels(everyone)


def _exports(everyone: list[Account], everywhere: list[Location]) -> Iterator[File]:
    for days_ago, is_newest in _EXPORTS:
        day = day_before(days_ago)
        rows = [account.as_row(is_newest) for account in everyone]
        yield "accounts", f"{day}/accounts.csv", as_csv(accounts.ACCOUNT_COLUMNS, rows), len(rows)
        places = [location.as_row() for location in everywhere if location.opened_on <= day]
        yield "locations", f"{day}/locations.csv", as_csv(accounts.LOCATION_COLUMNS, places), len(places)
        tickets = list(_tickets(everywhere, until=day))
        yield "support_tickets", f"{day}/tickets.csv", as_csv(_TICKET_COLUMNS, tickets), len(tickets)
    sold = accounts.subscription_rows(everyone, everywhere)
    content = as_csv(accounts.SUBSCRIPTION_COLUMNS, sold)
    yield "subscriptions", f"{day_before(0)}/subscriptions.csv", content, len(sold)


def _payments(days: int, everyone: list[Account], everywhere: list[Location]) -> Iterator[File]:
    for day in past_days(days):
        rows = accounts.payment_rows(day, everyone, everywhere)
        if rows:
            content = as_csv(accounts.PAYMENT_COLUMNS, rows)
            yield "subscription_payments", f"{day}.csv", content, len(rows)


def _visits(days: int, seed: int) -> Iterator[File]:
    """One file per day; a visit that is reported late stands in the file of a later day."""
    waiting: dict[date, list[dict[str, object]]] = defaultdict(list)
    first_ordinary_day = day_before(days)
    for day in past_days(days):
        made = list(accounts_story.visits(day))
        if day >= first_ordinary_day:
            made = [*visits.ordinary_visits(seed, day, accounts.ordinary_locations()), *made]
        for visit in made:
            for reported_on, row in visit.reports():
                waiting[reported_on].append(row)
        rows = waiting.pop(day, [])
        yield "visits", f"{day}.jsonl", as_json_lines(rows), len(rows)


def _tickets(everywhere: list[Location], until: date) -> Iterator[tuple[object, ...]]:
    """Every third location had a question in the last weeks; most were answered within two days."""
    for number, location in enumerate(everywhere[::3]):
        opened_at = datetime.combine(day_before(1 + number * 5 % 13), time(8 + number % 9, 15), UTC)
        if opened_at.date() >= until or opened_at.date() < location.opened_on:
            continue
        closed_at = None if number % 7 == 0 else opened_at + timedelta(hours=5 + number % 43)
        is_closed = closed_at is not None and closed_at < datetime.combine(until, AS_OF.time(), UTC)
        yield (
            f"T-{location.location_id[2:]}", location.account_id, location.location_id,
            _SUBJECTS[number % len(_SUBJECTS)], _PRIORITIES[number % len(_PRIORITIES)], opened_at.isoformat(),
            closed_at.isoformat() if is_closed and closed_at else None,
        )  # fmt: skip
