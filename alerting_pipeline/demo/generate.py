"""Writes what the sample company's systems would have delivered, and the labels that say what should come of it.

A pure function of (seed, days): run again it writes the same bytes, and files that are there already are left alone.
Days are made one after the other, so memory doesn't grow with their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from alerting_pipeline.demo import (
    audience_story,
    clinics,
    cold_rooms,
    cost_charges,
    cost_fleets,
    cost_months,
    cost_report,
    cost_story,
    customer_success,
    deliveries,
    labels,
    moderation,
    moderation_story,
    payments,
    receivables,
    stock,
    weather,
)
from alerting_pipeline.demo.calendar import AS_OF, DEFAULT_DAYS, day_before, past_days
from alerting_pipeline.demo.company import customers, terminals
from alerting_pipeline.demo.landing import as_csv, as_gzip, as_json_lines, deliver
from alerting_pipeline.demo.payments_story import planned_customers, planned_payments

DEFAULT_SEED = 20260119
File = tuple[str, str, bytes, int]  # source, path under its root, content, rows
_CUSTOMER_LISTS = ((7, False), (0, True))  # days before AS_OF; is it the newest


@dataclass(slots=True)
class Summary:
    """What was written: rows and files per source, how many files were new, and the planted cases per kind."""

    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    new_files: int = 0
    exceptions: int = 0
    near_misses: int = 0


def generate(landing: Path, labels_file: Path, days: int = DEFAULT_DAYS, seed: int = DEFAULT_SEED) -> Summary:
    """Write `days` days of ordinary traffic, and the story, under `landing`; the labels to `labels_file`.

    `labels_file` must lie outside `landing`, from which everything is loaded. Raises ValueError otherwise, and for
    fewer days than one.
    """
    if days < 1:
        raise ValueError(f"the sample company needs at least one day, not {days}")
    if labels_file.resolve().is_relative_to(landing.resolve()):
        raise ValueError(f"{labels_file} lies in the landing folder, where a rule could come to read it")
    summary = Summary()
    truth: list[labels.Label] = []
    for source, name, content, rows in _files(days, seed, truth):
        summary.new_files += deliver(landing / source / name, content)
        summary.files[source] = summary.files.get(source, 0) + 1
        summary.rows[source] = summary.rows.get(source, 0) + rows
    deliver(labels_file, labels.to_lines(truth))
    summary.exceptions = sum(label.kind == "exception" for label in truth)
    summary.near_misses = len(truth) - summary.exceptions
    return summary


def _files(days: int, seed: int, truth: list[labels.Label]) -> Iterator[File]:
    """Every file, one after the other; the labels of what is in them go to `truth`."""
    yield from _lists(seed)
    yield from _payment_files(days, seed, truth)
    yield from _delivery_files(days, seed, truth)
    yield from _cost_files(days, seed)
    yield from customer_success.files(days, seed, truth)
    yield from receivables.files(days, seed, truth)
    truth += [*cost_story.labels(), *cost_months.labels(), *cost_fleets.labels()]
    yield from _stock_files(days, seed, truth)
    yield from _content_files(days, seed, truth)
    yield from clinics.files(days, seed, truth)
    yield from cold_rooms.files(days, seed, truth)
    yield from weather.files(days, seed, truth)


def _lists(seed: int) -> Iterator[File]:
    for days_ago, is_newest in _CUSTOMER_LISTS:
        known = [*customers(seed), *planned_customers(is_newest), *audience_story.planned_customers()]
        rows = [(c.customer_id, c.name, c.segment, c.country) for c in known]
        content = as_csv(("customer_id", "name", "segment", "country"), rows)
        yield "customers", f"{day_before(days_ago)}/customers.csv", content, len(rows)
        consents = audience_story.consent_rows(customers(seed), is_newest)
        content = as_csv(audience_story.CONSENT_COLUMNS, consents)
        yield "marketing_consents", f"{day_before(days_ago)}/consents.csv", content, len(consents)
    places = [(t.terminal_id, t.merchant, t.category, t.city) for t in terminals(seed)]
    content = as_csv(("terminal_id", "merchant", "category", "city"), places)
    yield "terminals", f"{day_before(0)}/terminals.csv", content, len(places)
    yield from _cost_lists()


def _cost_lists() -> Iterator[File]:
    """Whose which cost is, what may be spent, and by which key the rest is shared out."""
    spenders = [each for each in cost_story.SPENDERS if each.budget is not None]
    seats = [(account, app, each.team) for each in spenders for account, app in each.seats]
    seats += [(each.account, None, each.team) for each in cost_months.MONTHS]
    seats.append((cost_fleets.ACCOUNT, None, cost_fleets.TEAM))
    yield "cost_teams", f"{day_before(0)}/cost_teams.csv", as_csv(("account_id", "app", "team"), seats), len(seats)
    budgets: list[tuple[object, ...]] = [(each.team, each.budget, None, cost_story.CURRENCY) for each in spenders]
    budgets += [(m.team, m.daily_budget, m.monthly_budget, cost_story.CURRENCY) for m in cost_months.MONTHS]
    budgets.append((cost_fleets.TEAM, cost_fleets.DAILY_BUDGET, None, cost_story.CURRENCY))
    content = as_csv(("team", "daily_budget", "monthly_budget", "currency"), budgets)
    yield "team_budgets", f"{day_before(0)}/team_budgets.csv", content, len(budgets)
    content = as_csv(("cost_category", "allocation_key", "team", "share"), cost_charges.KEYS)
    yield "shared_cost_keys", f"{day_before(0)}/shared_cost_keys.csv", content, len(cost_charges.KEYS)


def _payment_files(days: int, seed: int, truth: list[labels.Label]) -> Iterator[File]:
    story, story_labels = planned_payments()
    audience, audience_labels = audience_story.planned_payments()
    story += audience
    truth += [*story_labels, *audience_labels]
    first_ordinary_day = day_before(days)
    changes: dict[date, list[dict[str, object]]] = defaultdict(list)
    for day in past_days(days):
        made = [payment for payment in story if payment.made_at.date() == day]
        if day >= first_ordinary_day:
            made = [*payments.ordinary_payments(seed, day, customers(seed)), *made]
        yield "card_transactions", f"{day}.parquet", payments.as_parquet(made), len(made)
        _file_by_day(changes, payments.status_changes(made))
        yield from _reported("transaction_statuses", changes, until=day)
    yield from _reported("transaction_statuses", changes, until=AS_OF.date())


def _delivery_files(days: int, seed: int, truth: list[labels.Label]) -> Iterator[File]:
    story, story_labels = deliveries.planted_orders()
    truth += story_labels
    first_ordinary_day = day_before(days)
    events: dict[date, list[dict[str, object]]] = defaultdict(list)
    for day in past_days(days):
        made = [order for order in story if order.ordered_at.date() == day]
        if day >= first_ordinary_day:
            made = [*deliveries.ordinary_orders(seed, day, customers(seed)), *made]
        content = as_gzip(as_csv(deliveries.ORDER_COLUMNS, (order.as_row() for order in made)))
        yield "delivery_orders", f"{day}.csv.gz", content, len(made)
        _file_by_day(events, deliveries.reports(made))
        yield from _reported("delivery_events", events, until=day)
    yield from _reported("delivery_events", events, until=AS_OF.date())


def _cost_files(days: int, seed: int) -> Iterator[File]:
    for delivery in cost_report.deliveries(past_days(days)):
        rows = list(cost_report.line_items(seed, delivery))
        name = f"{delivery.period}/{delivery.delivered_on}/report-00001.csv.gz"
        yield "cost_and_usage", name, as_gzip(as_csv(cost_report.HEADER, rows)), len(rows)


def _stock_files(days: int, seed: int, truth: list[labels.Label]) -> Iterator[File]:
    truth += stock.planted_stock()
    for day in past_days(days):
        sold = stock.sales(seed, day, is_ordinary=day >= day_before(days))
        yield "sales_orders", f"{day}.csv.gz", as_gzip(as_csv(stock.SALE_COLUMNS, sold)), len(sold)
    levels, coming = list(stock.stock_levels(seed)), list(stock.purchases(seed))
    yield "stock_levels", f"{day_before(0)}/stock_levels.csv", as_csv(stock.STOCK_COLUMNS, levels), len(levels)
    content = as_csv(stock.PURCHASE_COLUMNS, coming)
    yield "purchase_orders", f"{day_before(0)}/purchase_orders.csv", content, len(coming)


def _content_files(days: int, seed: int, truth: list[labels.Label]) -> Iterator[File]:
    truth += moderation_story.labels()
    story = moderation.planted_items()
    reported: dict[date, list[dict[str, object]]] = defaultdict(list)
    decided: dict[date, list[dict[str, object]]] = defaultdict(list)
    for day in past_days(days):
        made = [item for item in story if item.posted_at.date() == day]
        if day >= day_before(days):
            made = [*moderation.ordinary_items(seed, day), *made]
        yield "content_items", f"{day}.jsonl", as_json_lines(item.as_row() for item in made), len(made)
        _file_by_day(reported, moderation.reports(made))
        _file_by_day(decided, moderation.decisions(made))
        yield from _reported("content_reports", reported, until=day)
        yield from _reported("moderation_decisions", decided, until=day)
    yield from _reported("content_reports", reported, until=AS_OF.date())
    yield from _reported("moderation_decisions", decided, until=AS_OF.date())


def _file_by_day(
    waiting: dict[date, list[dict[str, object]]], reported: Iterable[tuple[date, dict[str, object]]]
) -> None:
    for day, row in reported:
        waiting[day].append(row)


def _reported(source: str, waiting: dict[date, list[dict[str, object]]], until: date) -> Iterator[File]:
    """The files of days that nothing more can be reported for: what happens later is reported later."""
    for day in sorted(day for day in waiting if day <= until):
        rows = waiting.pop(day)
        yield source, f"{day}.jsonl", as_json_lines(rows), len(rows)
