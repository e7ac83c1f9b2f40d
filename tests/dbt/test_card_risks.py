"""A payment is judged by what could be known when it was made: no label younger than a week, nothing later, in whatever
portions the payments came; and never are more places given on a day than there are.

dbt compiles the models once; properties are then tried on the compiled SQL over temporary tables, which takes a moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from tests.conftest import make_database
from tests.dbt.card_feed import START, Payment, expected, feed, tampered
from tests.dbt.warehouse import TryOut

pytestmark = pytest.mark.scenario  # whole builds by dbt

CHAIN = {
    "stg_card_transactions": "staging",
    "int_payment_habits": "intermediate",
    "int_terminal_reports": "intermediate",
    "payment_risks": "marts",
}
WEEK = timedelta(days=7)
PLACES = 50
Judged = dict[int, dict[str, Any]]
_JUDGED = """
    select transaction_id, amount, usual_amount, times_usual, recent_jumps, terminal_reports, still_compromised,
        amount_risk, terminal_risk, risk, reason, place, confirmed_frauds
    from {}
"""


@dataclass(frozen=True)
class Models:
    """The compiled chain in a database where it was built on nothing."""

    warehouse: TryOut
    code: dict[str, str]

    def judge(self, payments: Sequence[Payment]) -> Judged:
        """What the chain says of these payments, all loaded at once."""
        with psycopg.connect(self.warehouse.owner_url) as connection:
            connection.execute("create temporary table card_transactions (like raw.card_transactions) on commit drop")
            rows = [{**payment.row, "_load_id": 1} for payment in payments]
            for row in rows:
                connection.execute(
                    sql.SQL("insert into card_transactions ({}) values ({})").format(
                        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
                    ),
                    list(row.values()),
                )
            for name, code in self.code.items():
                connection.execute(f"create temporary table {name} on commit drop as {code}".encode())
            return _look(connection, "payment_risks")

    def in_marts(self) -> Judged:
        with psycopg.connect(self.warehouse.owner_url) as connection:
            return _look(connection, "marts.payment_risks")


def _look(connection: psycopg.Connection[Any], relation: str) -> Judged:
    cursor = connection.execute(_JUDGED.format(relation).encode())
    names = [column.name for column in cursor.description or ()]
    return {int(row[0]): dict(zip(names, row, strict=True)) for row in cursor}


@pytest.fixture(scope="module")
def models(
    postgres: EmbeddedPostgres,
    template_database: str,
    sources: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Models]:
    with make_database(postgres, template_database) as database:
        warehouse = TryOut(database.owner_url, sources, tmp_path_factory.mktemp("cards"))
        warehouse.create_raw_tables()
        warehouse.dbt("run", "--select", "+payment_risks")
        yield Models(warehouse, _compiled(warehouse.target, database.name))


def _compiled(target: Path, database: str) -> dict[str, str]:
    """The SQL of each model, reading temporary tables of the models' names."""
    found = {}
    for name in CHAIN:
        code = next(target.rglob(f"compiled/**/{name}.sql")).read_text()
        for relation, schema in {**CHAIN, "card_transactions": "raw"}.items():
            code = code.replace(f'"{database}"."{schema}"."{relation}"', f"pg_temp.{relation}")
        found[name] = code
    return found


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(120, 239))
def test_young_labels_and_later_payments_change_nothing(models: Models, seed: int, cut: int) -> None:
    payments = feed(seed)
    until = payments[cut].at
    judged, again = models.judge(payments), models.judge(tampered(payments, until, WEEK))
    so_far = [each.number for each in payments if each.at <= until]
    assert {number: judged[number] for number in so_far} == {number: again[number] for number in so_far}


def test_labels_that_are_a_week_old_do_change_something(models: Models) -> None:
    """So the test before can fail: a second younger, and they would not."""
    payments = feed(1)
    last = next(each for each in payments[150:] if each.terminal == 0)
    judged = models.judge(payments)
    turned = [replace(each, is_fraud=not each.is_fraud) if each.at <= last.at - WEEK else each for each in payments]
    assert models.judge(turned)[last.number]["terminal_risk"] != judged[last.number]["terminal_risk"]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_each_row_is_what_plain_reckoning_finds(models: Models, seed: int) -> None:
    payments = feed(seed)
    judged, plain = models.judge(payments), expected(payments)
    assert judged.keys() == plain.keys()
    for number, each in plain.items():
        row = judged[number]
        assert float(row["times_usual"]) == pytest.approx(each.times_usual, abs=1e-3), number
        assert (row["recent_jumps"], row["terminal_reports"]) == (each.recent_jumps, each.reports), number
        assert float(row["still_compromised"]) == pytest.approx(each.still_compromised, abs=1e-3), number


def test_no_day_gives_more_places_than_there_are(models: Models) -> None:
    """Far more frauds than places, three days in a row: all places are given, each of them once."""
    rush = [
        Payment(
            day * 1000 + number, START + timedelta(days=day, minutes=7 * number), number, number, 500.0, is_fraud=True
        )
        for day in range(3)
        for number in range(200)
    ]
    judged = models.judge(rush)
    given_places = [(number // 1000, row["place"]) for number, row in judged.items() if row["place"] is not None]
    assert sorted(given_places) == [(day, place) for day in range(3) for place in range(1, PLACES + 1)]


def test_riskier_payments_that_are_to_be_expected_keep_their_places(models: Models) -> None:
    """On the first such day nothing is expected and the morning takes all; the next morning leaves the afternoon's."""
    habits = [
        Payment(number, START + timedelta(minutes=number), number % 100, number, 1.0, is_fraud=False)
        for number in range(300)
    ]
    rush = [
        Payment(
            day * 1000 + number, START + timedelta(days=day, minutes=7 * number), number, number,
            190.0 if number < 100 else 500.0, is_fraud=False,
        )
        for day in (8, 9)
        for number in range(140)
    ]  # fmt: skip
    judged = models.judge([*habits, *rush])
    placed = [(number // 1000, row["amount"] == 500) for number, row in judged.items() if row["place"] is not None]
    assert Counter(placed) == {(8, False): PLACES, (9, False): PLACES - 40, (9, True): 40}


def test_payments_that_come_day_by_day_are_judged_as_if_they_had_come_at_once(models: Models) -> None:
    payments = feed(7)
    bounds = [0, 120, 200, len(payments)]
    for number, (start, end) in enumerate(pairwise(bounds)):
        models.warehouse.load("card_transactions", [each.row for each in payments[start:end]], file=f"{number}.parquet")
        models.warehouse.dbt("run", "--select", "+payment_risks")
    judged = models.in_marts()
    assert judged == models.judge(payments)
    late = Payment(9999, payments[50].at, 1, 0, 900.0, is_fraud=True)
    models.warehouse.load("card_transactions", [late.row], file="late.parquet")
    models.warehouse.dbt("run", "--select", "+payment_risks")
    after = models.in_marts()
    assert after.pop(late.number)["reason"] == "a large amount"
    assert after == judged  # a payment that comes late is judged, and changes none that was
