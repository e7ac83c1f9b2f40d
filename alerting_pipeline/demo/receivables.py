"""The files about invoices, as billing and the bank deliver them: a day's invoices, and what was paid that day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from alerting_pipeline.demo import invoices
from alerting_pipeline.demo.calendar import AS_OF, day_before, past_days
from alerting_pipeline.demo.company import customers
from alerting_pipeline.demo.labels import Label
from alerting_pipeline.demo.landing import as_csv, as_json_lines

File = tuple[str, str, bytes, int]  # source, path under its root, content, rows


def files(days: int, seed: int, truth: list[Label]) -> Iterator[File]:
    """Every file, one after the other; the labels of what is in them go to `truth`."""
    story, story_labels = invoices.planted_invoices()
    truth += story_labels
    booked: dict[date, list[dict[str, object]]] = defaultdict(list)
    for day in past_days(days):
        made = [invoice for invoice in story if invoice.issued_at.date() == day]
        if day >= day_before(days):
            made = [*invoices.ordinary_invoices(seed, day, customers(seed)), *made]
        yield "invoices", f"{day}.csv", as_csv(invoices.INVOICE_COLUMNS, [each.as_row() for each in made]), len(made)
        for paid_on, row in invoices.payments(made):
            booked[paid_on].append(row)
        yield from _paid(booked, until=day)
    yield from _paid(booked, until=AS_OF.date())


def _paid(booked: dict[date, list[dict[str, object]]], until: date) -> Iterator[File]:
    for day in sorted(day for day in booked if day <= until):
        rows = booked.pop(day)
        yield "invoice_payments", f"{day}.jsonl", as_json_lines(rows), len(rows)
