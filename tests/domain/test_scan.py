"""What the scan's SQL says is what Postgres, asked row by row, says: with NULL, NaN, text of any script, any gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.gate import gate
from alerting_pipeline.domain.incident import fingerprint
from alerting_pipeline.domain.reading import read
from alerting_pipeline.domain.relation import parameters_of, rows_relation
from alerting_pipeline.domain.scan import scan_sql

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
COLUMNS = {
    "id": "text",
    "other": "text",
    "amount": "numeric",
    "score": "double precision",
    "number": "integer",
    "happened_at": "timestamptz",
}
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def connection(database: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.reader_url, autocommit=True) as opened:
        yield opened


def definition(**changes: Any) -> AlertDefinition:
    values: dict[str, Any] = {
        "alert": "large", "model": "payments", "entity": "id", "condition": "amount > :limit",
        "parameters": {"limit": {"default": 10}}, "severity": [{"level": "medium"}], "summary": "x", "link": "x",
        "runbook": "x", "owner": "x",
    }  # fmt: skip
    values.update(changes)
    return AlertDefinition.model_validate(values)


def scanned(
    connection: psycopg.Connection, definitions: list[AlertDefinition], rows: list[dict[str, str | None]]
) -> list[Any]:
    readings = {ordinal: read(item, COLUMNS, NOW) for ordinal, item in enumerate(definitions)}
    parameters = " union all ".join(f"({parameters_of(item, {})})" for item in definitions)
    sql = scan_sql(readings, rows_relation(COLUMNS, rows), parameters=parameters)
    return connection.execute(sql.encode()).fetchall()


text = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.tuples(text, st.one_of(st.none(), text)), min_size=1, max_size=8, unique=True))
def test_fingerprints_of_the_database_are_those_of_python(
    connection: psycopg.Connection, entities: list[tuple[str, str | None]]
) -> None:
    rows: list[dict[str, str | None]] = [{"id": one, "other": two, "amount": "11"} for one, two in entities]
    found = scanned(connection, [definition(entity=["other", "id"])], rows)
    assert {row[2] for row in found} == {fingerprint("large", {"id": one, "other": two}) for one, two in entities}
    assert all(fingerprint("large", row[3]) == row[2] for row in found)


def test_values_do_not_run_into_each_other() -> None:
    assert fingerprint("a", {"x": 'p", "q', "y": "r"}) != fingerprint("a", {"x": "p", "y": 'q", "r'})
    assert fingerprint("a", {"x": None}) != fingerprint("a", {"x": "null"})


numbers = st.one_of(st.none(), st.just("NaN"), st.integers(-20, 20).map(str))
CONDITIONS = (
    "amount > :limit",
    "amount < :limit",
    "amount >= :limit and score < 5",
    "score > 3 and amount <= :limit",
    "not (amount > :limit)",
    "amount between 0 and :limit or number = 7",
    "number > 2 and number < :limit",
    ":limit < number",
    "coalesce(amount, 0) > :limit",
    "amount is null and number > 0",
    "number in (1, 2, 3) and score is not null",
    "amount + number > :limit and number > 0",
)
ROW = st.fixed_dictionaries({"amount": numbers, "score": numbers, "number": st.one_of(st.none(), st.integers(-9, 9))})


def judged(condition: str, row: dict[str, Any], limit: int, connection: psycopg.Connection) -> bool | None:
    """The condition for one row, asked of the database by itself, with NaN made NULL beforehand."""
    values = {name: None if row[name] == "NaN" else row[name] for name in ("amount", "score", "number")}
    plain = condition.replace(":limit", str(limit))
    found = connection.execute(
        f"select ({plain}) from (select %s::numeric as amount, %s::float8 as score, %s::int as number) as r".encode(),
        [values["amount"], values["score"], values["number"]],
    ).fetchone()
    return found[0] if found else None


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    st.lists(ROW, min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from(CONDITIONS), st.integers(-5, 12)), min_size=1, max_size=16),
)
def test_one_gated_scan_says_of_each_row_what_the_condition_says_alone(
    connection: psycopg.Connection, values: list[dict[str, Any]], asked: list[tuple[str, int]]
) -> None:
    rows = [{name: None if value is None else str(value) for name, value in row.items()} for row in values]
    rows = [{"id": f"t{place}", **row} for place, row in enumerate(rows)]
    definitions = [
        definition(
            alert=f"a{place}", condition=condition, parameters={"limit": {"default": limit}} if ":" in condition else {}
        )
        for place, (condition, limit) in enumerate(asked)
    ]
    found = scanned(connection, definitions, rows)
    for place, (condition, limit) in enumerate(asked):
        outcomes = [judged(condition, row, limit, connection) for row in values]
        hits = sorted(row[3]["id"] for row in found if row[0] == place and row[2] is not None)
        nulls = sum(row[1] for row in found if row[0] == place and row[2] is None)
        assert hits == [f"t{index}" for index, outcome in enumerate(outcomes) if outcome], condition
        assert nulls == outcomes.count(None), condition


def test_a_hundred_thresholds_are_one_comparison_in_the_gate() -> None:
    definitions = [definition(alert=f"a{place}") for place in range(100)]
    readings = [read(item, COLUMNS, NOW) for item in definitions]
    assert gate(readings).count('r."amount"') == 1


def test_a_per_cent_sign_and_a_quote_stay_what_they_are(connection: psycopg.Connection) -> None:
    rows: list[dict[str, str | None]] = [{"id": "100%'\"\\"}, {"id": "x"}]
    found = scanned(connection, [definition(condition="id like '100%'", parameters={})], rows)
    assert [row[3] for row in found] == [{"id": "100%'\"\\"}]


@pytest.mark.parametrize(
    ("stated", "amount", "limit", "expected"),
    [
        ({"as": "ratio"}, "15", 10, Decimal("1.5")),
        ({"as": "ratio"}, "15", 0, None),
        ({"as": "ratio"}, "15", -10, None),
        ({"as": "ratio"}, "-5", -10, Decimal("0.5")),
        ({"as": "difference"}, "15", 10, Decimal(5)),
        ({"as": "difference", "direction": "below"}, "15", 20, Decimal(5)),
        ({"as": "difference"}, "15", 0, Decimal(15)),
        ({"as": "ratio"}, "Infinity", 10, None),
    ],
)
def test_deviance_is_null_where_it_would_mislead(
    connection: psycopg.Connection, stated: dict[str, str], amount: str, limit: int, expected: Decimal | None
) -> None:
    item = definition(
        condition="amount is not null",
        parameters={"limit": {"default": limit}},
        deviance={"value": "amount", "limit": "limit", **stated},
        severity=[{"level": "critical", "when": "deviance >= 1"}, {"level": "low"}],
    )
    [row] = scanned(connection, [item], [{"id": "t1", "amount": amount}])
    assert row[5] == expected
    assert row[4] == ("critical" if expected is not None and expected >= 1 else "low")


def test_what_grows_late_by_the_clock_has_its_lateness_in_seconds_as_its_deviance(
    connection: psycopg.Connection,
) -> None:
    item = definition(
        condition="happened_at < :as_of",
        parameters={},
        deviance={"value": ":as_of", "limit": "happened_at", "as": "difference"},
        update_when={"deviance_changes_by": "1d"},
        severity=[{"level": "high", "when": "deviance > 7200"}, {"level": "low"}],
    )
    late: list[dict[str, str | None]] = [
        {"id": f"t{hours}", "happened_at": (NOW - timedelta(hours=hours)).isoformat()} for hours in (1, 3)
    ]
    found = {row[3]["id"]: (row[5], row[4]) for row in scanned(connection, [item], late)}
    assert found == {"t1": (Decimal(3_600), "low"), "t3": (Decimal(10_800), "high")}
    assert item.update_when.deviance_changes_by == Decimal(86_400)
    assert read(item, COLUMNS, NOW).uses_as_of


def test_deviance_is_derived_from_a_single_comparison(connection: psycopg.Connection) -> None:
    [row] = scanned(connection, [definition(condition="amount > :limit and number = 1")],
                    [{"id": "t1", "amount": "15", "number": "1"}])  # fmt: skip
    assert row[5] == Decimal("1.5")
    assert json.dumps(row[9], sort_keys=True) == '{"amount": 15, "id": "t1", "limit": "10", "number": 1}'
