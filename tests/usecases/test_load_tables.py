"""Every declared source has its table, which follows its declaration and its files."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.source import Source
from tests.conftest import Database
from tests.landing import Landing, declare

DAILY = declare("sales", "{day}.csv", "id bigint, amount numeric, note text")
REPORT = declare(
    "costs", "{period}/{delivery}/*.csv", "id text, cost numeric", mode="replace_period", period="period",
    delivery="delivery",
)  # fmt: skip
LIST = declare("customers", "{taken}/customers.csv", "id bigint, name text", mode="snapshot", delivery="taken")


@pytest.fixture
def landing(tmp_path: Path, database: Database) -> Landing:
    return Landing(tmp_path / "a home", database.owner_url)


@pytest.mark.parametrize("source", [DAILY, REPORT, LIST])
def test_a_declared_source_has_its_table_before_a_file_arrives(
    landing: Landing, database: Database, source: Source
) -> None:
    landing.tables.ensure([source])
    landing.tables.ensure([source])
    with psycopg.connect(database.analyst_url) as analyst:
        names = [
            column.name for column in analyst.execute(f"select * from raw.{source.name}".encode()).description or ()
        ]
    assert [column.name for column in source.columns] == names[: len(source.columns)]
    assert {"_load_id", "_loaded_at", "_file"} <= set(names)
    assert landing.load(source).outcome == "nothing has arrived"


def test_undeclared_columns_are_added_as_text_and_missing_ones_are_null(landing: Landing) -> None:
    landing.put("sales/1.csv", "id,Store Name\n1,North\n")
    result = landing.load(DAILY)
    assert (result.added_columns, result.missing_columns) == (["store_name"], ["amount", "note"])
    assert landing.rows("select id, amount, store_name from raw.sales") == [(1, None, "North")]
    landing.put("sales/2.csv", "id,amount,note\n2,2,b\n")
    assert landing.load(DAILY).added_columns == []


def test_a_period_may_bring_a_column_that_older_ones_lack(landing: Landing) -> None:
    landing.put("costs/09/1/a.csv", "id,cost\na,1\n")
    landing.put("costs/10/1/a.csv", "team,cost,id\nt,2,b\n")
    assert landing.load(REPORT).added_columns == ["team"]
    assert landing.rows("select id, team, cost::int from raw.costs order by 1") == [("a", None, 1), ("b", "t", 2)]


def test_a_column_declared_later_gets_its_type(landing: Landing) -> None:
    landing.put("sales/1.csv", "id,weight\n1,1.5\n")
    landing.load(DAILY)
    wider = declare("sales", "{day}.csv", "id bigint, amount numeric, note text, weight numeric, fresh date")
    landing.tables.ensure([wider])
    assert landing.rows("select sum(weight) + 1 from raw.sales")[0][0] == pytest.approx(2.5)
    with pytest.raises(AlertingError, match=r"raw\.sales\.weight is numeric and declared as date"):
        landing.tables.ensure([declare("sales", "{day}.csv", "weight date")])


def test_a_type_that_a_view_depends_on_is_not_changed_behind_its_back(landing: Landing) -> None:
    landing.tables.ensure([DAILY])
    landing.run("create view staging.v as select id from raw.sales")
    with pytest.raises(AlertingError, match="views read it"):
        landing.tables.ensure([declare("sales", "{day}.csv", "id text")])


def test_a_table_of_another_mode_is_refused_with_the_remedy(landing: Landing) -> None:
    landing.tables.ensure([DAILY])
    other = declare("sales", "{day}/x.csv", "id bigint", mode="snapshot", delivery="day")
    with pytest.raises(AlertingError, match=r"drop table raw\.sales cascade"):
        landing.load(other)


def test_a_dropped_table_is_filled_again(landing: Landing) -> None:
    landing.put("sales/1.csv", "id\n1\n")
    landing.load(DAILY)
    landing.run("drop table raw.sales")
    assert landing.load(DAILY).rows == 1
