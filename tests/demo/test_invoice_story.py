"""Invoices as the sample company has them: who is reminded was planted, and no ordinary one comes near."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from alerting_pipeline.demo import invoices
from alerting_pipeline.demo.calendar import AS_OF, past_days
from alerting_pipeline.demo.company import customers
from alerting_pipeline.demo.generate import DEFAULT_SEED
from alerting_pipeline.demo.invoices import Invoice, planted_invoices


def open_amount(invoice: Invoice) -> Decimal:
    return invoice.amount - sum((each.amount for each in invoice.payments if each.paid_at <= AS_OF), Decimal(0))


def test_no_ordinary_invoice_is_due_soon_or_overdue_while_it_is_open() -> None:
    everyone = customers(DEFAULT_SEED)
    for day in past_days(60):
        for invoice in invoices.ordinary_invoices(DEFAULT_SEED, day, everyone):
            assert open_amount(invoice) == 0 or invoice.due_at > AS_OF + timedelta(days=3), invoice


def test_the_story_was_issued_within_the_days_that_are_always_there() -> None:
    story, _ = planted_invoices()
    days = set(past_days(1))
    assert {invoice.issued_at.date() for invoice in story} <= days


def test_labels_say_what_is_open_when() -> None:
    story, labels = planted_invoices()
    by_id = {invoice.invoice_id: invoice for invoice in story}
    for label in labels:
        if label.kind != "exception" or "invoice_id" not in label.entity:
            continue
        invoice = by_id[label.entity["invoice_id"]]
        assert open_amount(invoice) > 0
        until = invoice.due_at - AS_OF
        if label.alert == "payment_reminder":
            assert timedelta(0) < until <= timedelta(days=1) and label.to == (invoice.email,)
        else:
            assert until < -timedelta(days=3)


def test_recipients_live_in_half_hour_zones_on_both_sides_of_midnight_and_nowhere() -> None:
    zones = {invoice.zone for invoice in planted_invoices()[0]}
    assert {"Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Los_Angeles", "Mars/Olympus"} <= zones


def test_no_address_is_one_that_could_exist() -> None:
    everyone = customers(DEFAULT_SEED)
    made = [*planted_invoices()[0], *invoices.ordinary_invoices(DEFAULT_SEED, past_days(1)[-1], everyone)]
    assert all(invoice.email is None or invoice.email.endswith(".example") for invoice in made)
