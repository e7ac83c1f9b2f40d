"""The snapshot of stock_cover keeps each row as it was, and a backtest of its alert reads it so: worked out by hand.

The mart is written by hand in place of its build, and dbt takes the snapshot at three mornings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.adapters.dbt_manifest import load_catalog
from alerting_pipeline.app import App
from alerting_pipeline.app.backtesting import backtest
from alerting_pipeline.cli.moment import moment
from alerting_pipeline.domain.backtest import Span
from tests.conftest import Database
from tests.dbt.warehouse import TryOut
from tests.usecases.past_world import Quiet

pytestmark = pytest.mark.scenario  # dbt runs

SEVEN, EIGHT, NINE = (f"2026-01-0{day}T05:00:00+00:00" for day in (7, 8, 9))


class Mart:
    """marts.stock_cover as its contract has it, and its snapshot."""

    def __init__(self, database: Database, catalog: Any, warehouse: TryOut, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.warehouse, self.monkeypatch = database, warehouse, monkeypatch
        columns = ", ".join(f"{name} {kind}" for name, kind in catalog.models["stock_cover"].columns.items())
        self.sql(f"create table marts.stock_cover ({columns})")

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.database.owner_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def built(self, at: str, spare: Mapping[str, int]) -> None:
        """The mart holds these products, with so many days to spare, and the snapshot is taken."""
        self.sql("delete from marts.stock_cover")
        for product, days in spare.items():
            self.sql(
                "insert into marts.stock_cover (product_id, product, product_class, warehouse, status, lead_days, "
                f"days_of_cover, days_to_spare) values ('{product}', 'Kettle', 'b', 'North', 'active', 5, {5 + days}, "
                f"{days})"
            )
        self.monkeypatch.setenv("ALERTING_AS_OF", at)
        self.warehouse.dbt("snapshot", "--select", "stock_cover_history")


def test_rows_are_read_as_they_were_and_never_as_they_became(
    database: Database, dbt_manifest: Path, sources: Any, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days in reserve are asked for. p1 has 9 on the 7th, 2 on the 8th, 9 again on the 9th; p2 has 1 on the 7th
    and is sold off on the 8th; p3 comes on the 9th with none. So one incident of p1 (8th, ended on the 9th), one of p3
    (9th), and of p2 the one that stood when the snapshot began.
    """
    catalog = load_catalog(dbt_manifest)
    mart = Mart(database, catalog, TryOut(database.owner_url, sources, tmp_path / "target"), monkeypatch)
    mart.built(SEVEN, {"p1": 9, "p2": 1})
    mart.built(EIGHT, {"p1": 2})
    mart.built(NINE, {"p1": 9, "p3": 0})
    versions = mart.warehouse.rows(
        "select product_id, days_to_spare, dbt_valid_from::text, dbt_valid_to::text from marts.stock_cover_history "
        "order by product_id, dbt_valid_from"
    )
    seven, eight, nine = (f"2026-01-0{day} 05:00:00" for day in (7, 8, 9))
    assert versions == [
        ("p1", 9, seven, eight), ("p1", 2, eight, nine), ("p1", 9, nine, None),
        ("p2", 1, seven, eight), ("p3", 0, nine, None),
    ]  # fmt: skip
    monkeypatch.setenv("ALERTING_AS_OF", "2026-01-09T18:00:00+00:00")
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setattr(App, "catalog", property(lambda app: catalog))
    monkeypatch.setattr(App, "app_url", property(lambda app: database.app_url))
    monkeypatch.setattr(App, "reader_url", property(lambda app: database.reader_url))
    span = Span(moment("2026-01-07T06:00:00Z", ""), moment("2026-01-09T06:00:00Z", ""), timedelta(days=1))
    with App.from_environment() as app:
        report = backtest(app, "stock_runs_out", span, Quiet(), changes={"safety_days": "0"})
    assert report.reads == "stock_cover as the snapshot stock_cover_history kept it"
    assert (report.in_force.incidents, report.in_force.standing, report.in_force.entities) == (2, 1, 3)
    assert report.change is not None
    assert (report.change.gained, report.change.lost) == (0, 3)
