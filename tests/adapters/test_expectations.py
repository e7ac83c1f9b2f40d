"""Great Expectations as data definitions use it: its own names, over a real database, one error at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from alerting_pipeline.adapters.expectations import GreatExpectations, _class_name, address
from alerting_pipeline.domain.data_check import Check, State
from alerting_pipeline.domain.expectation import label
from alerting_pipeline.domain.expectation_arguments import ALL, REQUIRED
from alerting_pipeline.domain.expectation_check import NOT_ON_POSTGRES, check_expectation
from alerting_pipeline.domain.relation import Relation, rows_relation
from tests.adapters.expectation_table import table
from tests.conftest import Database

PAYMENTS = Relation('"staging"."payments"', table=("staging", "payments"))


FITTING: dict[str, Any] = {
    "column": "amount", "column_A": "amount", "column_B": "amount", "column_list": ["id", "note"],
    "column_set": ["id", "amount", "note"], "value_set": [1, 2], "value_pairs_set": [[1, 2], [2, 3]],
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 5]]}, "type_": "NUMERIC", "type_list": ["NUMERIC"],
    "value": 3, "double_sided": True, "threshold": 3, "regex": "a", "regex_list": ["a"], "like_pattern": "a%",
    "like_pattern_list": ["a%"], "strftime_format": "%Y", "json_schema": {"type": "object"}, "sum_total": 3,
    "min_value": 0, "max_value": 100, "partition_object": {"values": [1, 2, -3], "weights": [0.3, 0.3, 0.4]},
}  # fmt: skip
"""Arguments that fit the table of payments."""


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

    assert {name: (REQUIRED[name], ALL[name]) for name in ALL} == {
        name: (needed, needed | beside) for name, (needed, beside) in table().items()
    }
    assert [name for name in ALL if not hasattr(classes, _class_name(name))] == []


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        ({"expect_column_values_to_not_be_nul": {"column": "id"}}, "is not an expectation"),
        ({"expect_column_values_to_not_be_null": {"colum": "id"}}, 'takes no "colum"'),
        ({"expect_column_values_to_not_be_null": {}}, "needs column"),
        ({"expect_column_values_to_not_be_null": {"column": None}}, "needs column"),
        ({"expect_column_values_to_be_between": {"column": "id"}}, "needs a bound"),
        ({"expect_column_values_to_match_regex": {"column": "id"}}, "needs regex"),
        ({"expect_column_values_to_be_increasing": {"column": "id"}}, "can't judge"),
        ({"expect_column_values_to_not_be_null": {"column": 3}}, "is a text, not 3"),
        ({"expect_column_values_to_not_be_null": {"column": "id", "mostly": 95}}, "is a number from 0 to 1, not 95"),
        ({"expect_table_row_count_to_equal": {"value": "10"}}, 'is a whole number, not "10"'),
        ({"expect_column_values_to_be_in_set": {"column": "id", "value_set": "a"}}, 'is a list of values, not "a"'),
        ({"expect_column_values_to_match_regex_list": {"column": "id", "regex_list": [1]}}, "is a list of texts"),
        ({"expect_column_max_to_be_between": {"column": "id", "max_value": "soon"}}, "is a number or a date or time"),
        ({"expect_column_values_to_be_unique": {"column": "id", "row_condition": True}}, "is a text, not true"),
        ({"expect_column_values_to_not_be_outliers": {"column": "id", "method": "gut"}}, 'is iqr or std, not "gut"'),
    ],
)
def test_a_misspelt_name_or_argument_is_told_without_importing_it(expectation: dict[str, Any], says: str) -> None:
    findings = list(check_expectation(("expectations", 0), expectation))
    assert says in findings[0].what
    assert findings[0].remedy


def test_a_column_of_another_kind_is_told_where_its_type_is_known() -> None:
    like = {"expect_column_values_to_match_regex": {"column": "amount", "regex": "a"}}
    mean = {"expect_column_mean_to_be_between": {"column": "note", "min_value": 1}}
    types = {"amount": "numeric", "note": "text"}
    assert [each.what for each in check_expectation((), like, types)] == ['column "amount" is a number, not a text']
    assert [each.what for each in check_expectation((), mean, types)] == ['column "note" is a text, not a number']
    assert not list(check_expectation((), mean, {"note": ""}))


_VALUES = (
    "a", "2026-01-05", "2026-01-05T05:00:00Z", 0, 1, 3, -2, 0.5, 1.5, True, False, [], ["a"], [1, 2], [[1, 2]], {},
    {"quantiles": [0.5], "value_ranges": [[0, 5]]}, "any", "all", "iqr", "never", "neither",
)  # fmt: skip


def test_what_is_taken_as_a_value_is_taken_by_the_installed_version_too() -> None:
    """Whatever passes here builds there; that some of the rest would build as well is a mistake that people make."""
    import great_expectations.expectations as classes

    refused = []
    for name, known in ALL.items():
        kind: Any = getattr(classes, _class_name(name))
        base = {argument: FITTING[argument] for argument in {*known} & FITTING.keys()}
        for argument, value in itertools.product(known, _VALUES):
            arguments = {**base, argument: value}
            if argument == "quantile_ranges" or argument == "json_schema" or argument == "partition_object":
                continue  # maps of a form of their own
            if any(check_expectation((), {name: arguments})):
                continue
            try:
                kind(**arguments)
            except (TypeError, ValueError) as error:
                refused.append(f"{name}({argument}={value!r}): {str(error)[:80]}")
    assert not refused, "\n".join(refused)


def test_every_expectation_runs_on_postgres_unless_it_is_refused(judge: GreatExpectations) -> None:
    broken = set()
    for name, known in ALL.items():
        arguments = {argument: FITTING[argument] for argument in {*known} & FITTING.keys()}
        if any(part in name for part in ("regex", "like", "lengths")):
            arguments["column"] = "id"
        if "sum" in name and "column_list" in arguments:
            arguments["column_list"] = ["amount", "amount"]
        [check] = judge.judge(PAYMENTS, [{name: arguments}])
        if check.state in (State.BROKEN, State.UNJUDGED):
            broken.add(name)
        elif name not in NOT_ON_POSTGRES:
            assert not list(check_expectation((), {name: arguments})), name
    assert broken == NOT_ON_POSTGRES


def test_distinct_values_are_judged(judge: GreatExpectations) -> None:
    for what, values in (("be_in", [1, 2]), ("contain", [1, 4]), ("equal", [1, 2])):
        name = f"expect_column_distinct_values_to_{what}_set"
        asked = [{name: {"column": "amount", "value_set": each}} for each in (values, [1, 2, -3])]
        failed, passed = judge.judge(PAYMENTS, asked)
        assert (failed.state, passed.state) == (State.FAILED, State.PASSED), name


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
