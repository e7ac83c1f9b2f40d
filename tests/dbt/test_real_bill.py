"""The real report, told in every way, is the real bill: to the last digit, in whatever order its deliveries came."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alerting_pipeline.adapters.source_declarations import read_sources
from tests.conftest import PROJECT, Database
from tests.dbt.warehouse import TryOut
from tests.landing import Landing

pytestmark = pytest.mark.scenario  # whole builds by dbt

PERIOD = "20261001-20261101"
FIRST, SECOND, NEWEST = "2026-10-10", "2026-10-20", "2026-10-31"
BILL = Decimal("224718.9188111162")
LISTS = ("cost_teams", "team_budgets", "shared_cost_keys")
MODELS = "+bill_reconciliation +restated_days +month_end_forecast"


@pytest.mark.parametrize("order", [(FIRST, SECOND, NEWEST), (NEWEST, SECOND, FIRST)], ids=" ".join)
def test_the_real_bill_reconciles_however_it_arrived(
    tmp_path: Path, database: Database, sources: dict[str, dict[str, Any]], shared_data: Path, order: tuple[str, ...]
) -> None:
    warehouse = TryOut(database.owner_url, sources, tmp_path / "dbt")
    landing = Landing(tmp_path, database.owner_url)
    declared = read_sources(PROJECT / "dbt_project").sources
    _lists(landing, shared_data)
    landing.tables.ensure(list(declared.values()))
    for name in LISTS:
        assert landing.load(declared[name]).problems == []
    arrived = landing.home / "landing" / "cost_and_usage" / PERIOD
    arrived.mkdir(parents=True)
    for day in order:
        (arrived / day).symlink_to(shared_data / "cost_and_usage" / PERIOD / day)
        for name in ("cost_and_usage", "cost_deliveries"):
            assert landing.load(declared[name]).problems == []
        warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--select", *MODELS.split())
    assert landing.load(declared["cost_deliveries"]).outcome == "nothing new"
    assert warehouse.rows(
        "select billed, direct + shared, amortized, unallocated, unamortized, unexplained, deliveries, "
        "first_delivered, first_delivered + restated_by from marts.bill_reconciliation"
    ) == [(BILL, BILL, BILL, 0, 0, 0, 3, Decimal("66848.9467688937"), BILL)]
    assert warehouse.rows(
        "select delivery, sum(difference) from marts.bill_restatements group by delivery order by delivery"
    ) == [(SECOND, Decimal("76382.8355355323")), (NEWEST, Decimal("81487.1365066902"))]


def _lists(landing: Landing, shared_data: Path) -> None:
    """Three of the real accounts are a team's, and so is one tag; the rest is shared in proportion."""
    import duckdb

    report = shared_data / "cost_and_usage" / PERIOD / NEWEST / "report-00001.csv.gz"
    with duckdb.connect() as reader:
        query = f"select distinct \"lineItem/UsageAccountId\" from read_csv('{report}', all_varchar = true) order by 1"
        one, two, three, *_ = [account for (account,) in reader.execute(query).fetchall()]
    teams = f"account_id,app,team\n{one},,red\n{two},,green\n{three},,blue\n{one},most,violet\n"
    landing.put(f"cost_teams/{NEWEST}/cost_teams.csv", teams)
    landing.put(f"team_budgets/{NEWEST}/team_budgets.csv", "team,daily_budget,monthly_budget,currency\nred,3000,,USD\n")
    keys = "cost_category,allocation_key,team,share\nuntagged,proportional,,\n"
    landing.put(f"shared_cost_keys/{NEWEST}/shared_cost_keys.csv", keys)
