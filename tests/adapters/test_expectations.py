"""Great Expectations as data definitions use it: its own names, over a real database, one error at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from alerting_pipeline.adapters.expectations import GreatExpectations, _class_name, address
from alerting_pipeline.domain.data_check import Check, State
from alerting_pipeline.domain.expectation import check_expectation, label
from alerting_pipeline.domain.expectation_arguments import ALL, REQUIRED
from alerting_pipeline.domain.relation import Relation, rows_relation
from tests.adapters.expectation_table import table
from tests.conftest import Database

PAYMENTS = Relation('"staging"."payments"', table=("staging", "payments"))


@pytest.fixture
def judge(database: Database) -> Iterator[GreatExpectations]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("create table staging.payments (id text, amount numeric, note text)")
        connection.execute("insert into staging.payments values ('a', 1, null), ('b', 2, null), ('c', -3, null)")
    found = GreatExpectations(database.analyst_url)
    yield found
    found.close()


def test_the_table_of_names_and_arguments_is_that_of_the_installed_version() -> None:
    import great_expectations.expectations as classes

    assert {name: (REQUIRED[name], ALL[name]) for name in ALL} == table()
    assert [name for name in ALL if not hasattr(classes, _class_name(name))] == []


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        ({"expect_column_values_to_not_be_nul": {"column": "id"}}, "is not an expectation"),
        ({"expect_column_values_to_not_be_null": {"colum": "id"}}, 'takes no "colum"'),
        ({"expect_column_values_to_not_be_null": {}}, "needs column"),
    ],
)
def test_a_misspelt_name_or_argument_is_told_without_importing_it(expectation: dict[str, Any], says: str) -> None:
    findings = list(check_expectation(("expectations", 0), expectation))
    assert says in findings[0].what
    assert findings[0].remedy


def by_name(found: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_counts_are_told_and_values_kept_as_samples_only(judge: GreatExpectations) -> None:
    asked = [
        {"expect_column_values_to_be_between": {"column": "amount", "min_value": 0}},
        {"expect_table_row_count_to_be_between": {"min_value": 1}},
        {"expect_column_mean_to_be_between": {"column": "amount", "min_value": 1}},
    ]
    between, count, mean = judge.judge(PAYMENTS, asked)
    assert [check.name for check in (between, count, mean)] == [label(each) for each in asked]  # in order
    assert (between.state, between.says) == (State.FAILED, "1 of 3 rows are not so")
    assert between.sample == ("-3",)
    assert (count.state, count.says) == (State.PASSED, "it is 3, expected at least 1")
    assert (mean.state, mean.says) == (State.FAILED, "it is 0, expected at least 1")


def test_what_goes_wrong_with_one_is_its_own_state(judge: GreatExpectations) -> None:
    found = by_name(
        judge.judge(
            PAYMENTS,
            [
                {"expect_column_values_to_not_be_null": {"column": "nonesuch"}},
                {"expect_column_values_to_not_be_null": {"column": "id"}},
                {"expect_column_values_to_be_between": {"column": "amount", "mostly": "many"}},
                {"expect_column_values_to_be_increasing": {"column": "amount"}},
            ],
        )
    )
    states = [check.state for check in found.values()]
    assert states == [State.BROKEN, State.PASSED, State.BROKEN, State.BROKEN]
    assert found["expect_column_values_to_not_be_null(nonesuch)"].says == "there is no column nonesuch"
    assert "-3" not in "".join(check.says for check in found.values())


def test_a_column_of_nulls_proves_nothing(judge: GreatExpectations) -> None:
    asked = [{"expect_column_values_to_be_in_set": {"column": "note", "value_set": ["x"]}}]
    assert judge.judge(PAYMENTS, asked)[0].state is State.UNJUDGED


def test_rows_of_a_case_are_judged_like_a_table_whatever_they_hold(judge: GreatExpectations) -> None:
    rows = rows_relation({"id": "text", "amount": "numeric"}, [{"id": ":x %s '; --", "amount": "5"}], is_packed=True)
    asked = [
        {"expect_column_values_to_be_in_set": {"column": "id", "value_set": [":x %s '; --"]}},
        {"expect_column_max_to_be_between": {"column": "amount", "max_value": 4}},
    ]
    assert [check.state for check in judge.judge(rows, asked)] == [State.PASSED, State.FAILED]


def test_it_reads_and_can_not_write(judge: GreatExpectations) -> None:
    judge.judge(PAYMENTS, [{"expect_table_row_count_to_equal": {"value": 3}}])
    with judge._source.get_engine().connect() as connection, pytest.raises(Exception, match="read-only"):
        connection.exec_driver_sql("create temporary table t (x int)")


def test_the_address_of_a_socket_gets_a_host() -> None:
    assert address("postgresql://analyst@/shop?host=%2Fa%20b") == (
        "postgresql+psycopg://analyst@localhost/shop?host=%2Fa%20b"
    )
    assert address("postgresql://analyst:pw@db.example.com:5433/shop").startswith("postgresql+psycopg://analyst:pw@db")
