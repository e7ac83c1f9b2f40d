"""The real inputs reconcile to their own figures, in every order and however often they are loaded."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from alerting_pipeline.adapters.source_declarations import read_sources
from alerting_pipeline.domain.source import Source
from tests.conftest import PROJECT, Database
from tests.landing import Landing

# The exact sums of the column's decimals. The figures beside the data agree with the first two, rounded to a millionth;
# for the third they say 224,718.918810, a millionth less.
DELIVERIES = {
    "2026-10-10": (31_026, Decimal("66848.9467688937")),
    "2026-10-20": (65_674, Decimal("143231.7823044260")),
    "2026-10-31": (103_709, Decimal("224718.9188111162")),
}
PERIOD = "20261001-20261101"


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path, database.owner_url)


@pytest.fixture(scope="module")
def declared() -> dict[str, Source]:
    return read_sources(PROJECT / "dbt_project").sources


def _total(landing: Landing) -> tuple[int, Decimal]:
    rows = landing.rows("select count(*), sum(line_item_unblended_cost) from raw.cost_and_usage")
    return rows[0][0], rows[0][1]


@pytest.mark.parametrize("order", permutations(DELIVERIES), ids=lambda order: " ".join(day[-2:] for day in order))
def test_the_newest_delivery_of_the_cost_report_holds_in_every_order_and_twice(
    landing: Landing, declared: dict[str, Source], shared_data: Path, order: tuple[str, ...]
) -> None:
    report = declared["cost_and_usage"]
    arrived = landing.home / "landing" / report.root / PERIOD
    arrived.mkdir(parents=True)
    for number, day in enumerate(order):
        (arrived / day).symlink_to(shared_data / "cost_and_usage" / PERIOD / day)
        landing.load(report)
        newest = max(order[: number + 1])
        assert _total(landing) == DELIVERIES[newest], f"after {day}"
    assert landing.load(report).outcome == "nothing new"
    assert landing.load(report, shared_data / "cost_and_usage").outcome == "nothing new"
    assert _total(landing) == DELIVERIES["2026-10-31"]


def test_card_transactions_load_day_by_day(landing: Landing, declared: dict[str, Source], shared_data: Path) -> None:
    payments = declared["card_transactions"]
    days = sorted((shared_data / "card_transactions").glob("*.parquet"))
    for day in days:
        assert landing.load(payments, day).files == 1
    assert landing.load(payments, shared_data / "card_transactions").unchanged == len(days) == 20
    with duckdb.connect() as database:
        expected = database.execute(
            "select count(*), sum(tx_amount::decimal(18, 2)), sum(tx_fraud)::bigint, min(tx_datetime), "
            f"max(tx_datetime) from read_parquet('{shared_data}/card_transactions/*.parquet')"
        ).fetchall()
    found = landing.rows(
        "select count(*), sum(tx_amount::numeric), sum(tx_fraud)::bigint, min(tx_datetime), max(tx_datetime) "
        "from raw.card_transactions"
    )
    assert found == expected
    assert found[0][0] == 191_652


def test_the_focus_sample_reconciles(landing: Landing, declared: dict[str, Source], shared_data: Path) -> None:
    result = landing.load(declared["focus_costs"], shared_data / "focus_sample.csv")
    assert (result.rows, result.problems, result.added_columns) == (1000, [], [])
    with duckdb.connect() as database:
        expected = database.execute(
            "select count(*), sum(BilledCost::decimal(38, 15)), count(Tags), count(AvailabilityZone) from "
            f"read_csv('{shared_data}/focus_sample.csv', all_varchar = true, nullstr = 'NULL', "
            "allow_quoted_nulls = true)"
        ).fetchall()
    found = landing.rows(
        "select count(*), sum(billed_cost), count(tags), count(availability_zone) from raw.focus_costs"
    )
    assert found == expected
