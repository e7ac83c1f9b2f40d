"""Of some sources only sums are kept: of every file, in whatever order it came, and exactly."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from alerting_pipeline.domain.source import Source
from tests.conftest import Database
from tests.landing import Landing, declare

SUMS = {"of": ["cost"], "by": ["account", "day"], "count": "lines"}
REPORTS = {
    "p/1.csv": "account,day,of,cost\na,2026-01-05,x,0.1\na,2026-01-05,y,0.2000000000000000000001\nb,2026-01-05,x,1\n",
    "p/2.csv": "account,day,service,cost\na,2026-01-05 23:00:00+00:00,x,0.1\na,2026-01-06T00:00:00Z,x,7\n,,x,\n",
}
FOUND = [
    ("p/1.csv", "2026-01-05", "a", Decimal("0.3000000000000000000001"), 2),
    ("p/1.csv", "2026-01-05", "b", Decimal(1), 1),
    ("p/2.csv", "2026-01-05", "a", Decimal("0.1"), 1),
    ("p/2.csv", "2026-01-06", "a", Decimal(7), 1),
    ("p/2.csv", None, None, None, 1),
]
QUERY = "select _file, day::text, account, cost, lines from raw.totals order by _file, day, account"


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


@pytest.fixture
def totals() -> Source:
    columns = "account text, day date, cost numeric, lines bigint"
    return declare("totals", "{period}/*.csv", columns, sums=SUMS, root="reports")


@pytest.mark.parametrize("order", permutations(REPORTS), ids=" ".join)
def test_the_sums_of_every_file_are_kept_in_any_order_and_once(
    landing: Landing, totals: Source, order: tuple[str, ...]
) -> None:
    for name in order:
        landing.put(f"reports/{name}", REPORTS[name])
        assert landing.load(totals).problems == []
    assert landing.load(totals).outcome == "nothing new"
    assert landing.rows(QUERY) == FOUND
    assert landing.statuses("totals") == {"loaded": 2}


def test_a_file_that_comes_again_with_other_content_replaces_its_own_sums(landing: Landing, totals: Source) -> None:
    for name, content in REPORTS.items():
        landing.put(f"reports/{name}", content)
    landing.load(totals)
    landing.put("reports/p/2.csv", "account,day,service,cost\nb,2026-01-07,x,2\n")
    assert landing.load(totals).replaced
    assert landing.rows(QUERY) == [*FOUND[:2], ("p/2.csv", "2026-01-07", "b", Decimal(2), 1)]


def test_the_rows_themselves_and_other_columns_are_not_kept(landing: Landing, totals: Source) -> None:
    landing.put("reports/p/1.csv", REPORTS["p/1.csv"])
    result = landing.load(totals)
    assert (result.rows, result.added_columns, result.missing_columns) == (2, [], [])
    columns = landing.rows("select attname from pg_attribute where attrelid = 'raw.totals'::regclass and attnum > 0")
    assert {name for (name,) in columns} == {"account", "day", "cost", "lines", "_load_id", "_loaded_at", "_file"}


def test_a_row_that_does_not_fit_is_told_with_its_place_and_nothing_is_kept(landing: Landing, totals: Source) -> None:
    landing.put("reports/p/1.csv", "account,day,cost\na,2026-01-05,1\na,2026-01-05,much\n")
    (problem,) = landing.load(totals).problems
    assert "p/1.csv:3" in problem.error and "much" in problem.error
    assert landing.rows(QUERY) == []


def test_a_column_that_is_not_delivered_is_null_and_told(landing: Landing, totals: Source) -> None:
    landing.put("reports/p/1.csv", "account,cost\na,1\na,2\n")
    assert landing.load(totals).missing_columns == ["day"]
    assert landing.rows(QUERY) == [("p/1.csv", None, "a", Decimal(3), 2)]
