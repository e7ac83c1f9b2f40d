"""Relative thresholds: what the scan says of a row is what the formula says, with NULL, NaN and a spread of zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from operator import ge, gt, lt
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerting_pipeline.domain.baseline_check import check_baselines
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.gate import gate
from alerting_pipeline.domain.history import History
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.reading import read
from alerting_pipeline.domain.relation import parameters_of, rows_relation
from alerting_pipeline.domain.scan import scan_sql
from alerting_pipeline.domain.sweep import Axis, Unsweepable, sweep_of

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
EXACT = {"id": "text", "amount": "numeric", "usual": "numeric", "spread": "numeric", "team": "text"}
BINARY = {**EXACT, "amount": "double precision", "usual": "double precision", "spread": "double precision"}
SHARE = {"to": "usual"}
ROBUST = {"as": "robust_z", "median": "usual", "mad": "spread"}
QUANTILE = {"as": "quantile", "columns": {"0.95": "usual", "0.99": "spread"}}


@pytest.fixture
def connection(database: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.reader_url, autocommit=True) as opened:
        yield opened


def definition(relative: dict[str, Any], default: Any, **changes: Any) -> AlertDefinition:
    values: dict[str, Any] = {
        "alert": "large", "model": "payments", "entity": "id", "condition": "amount > :limit",
        "parameters": {"limit": {"default": default, "relative": relative, **changes.pop("more", {})}},
        "severity": [{"level": "high", "when": "amount > :limit + 1"}, {"level": "medium"}],
        "summary": "{{ limit }} from {{ limit_as_set }}", "link": "x", "runbook": "x", "owner": "x", **changes,
    }  # fmt: skip
    return AlertDefinition.model_validate(values)


def scanned(
    connection: psycopg.Connection,
    item: AlertDefinition,
    rows: list[dict[str, str | None]],
    columns: dict[str, str] = EXACT,
) -> tuple[list[dict[str, Any]], int]:
    """Violating rows, and how many rows were NULL."""
    sql = scan_sql({0: read(item, columns, NOW)}, rows_relation(columns, rows), parameters=parameters_of(item, {}))
    found = connection.execute(sql.encode()).fetchall()
    hits = [
        {"id": row[3]["id"], "severity": row[4], "deviance": row[5], **row[9]} for row in found if row[2] is not None
    ]
    return sorted(hits, key=lambda hit: hit["id"]), sum(row[1] for row in found if row[2] is None)


def row(amount: Any, usual: Any, spread: Any = None, name: str = "a", team: str | None = None) -> dict[str, str | None]:
    values = {"amount": amount, "usual": usual, "spread": spread}
    return {"id": name, "team": team, **{key: None if each is None else str(each) for key, each in values.items()}}


@pytest.mark.parametrize(
    ("relative", "value", "given_row", "threshold"),
    [
        (SHARE, "6", row("300.01", 50), "300"),
        (SHARE, "0.5", row(11, "20.5"), "10.25"),
        (ROBUST, "3", row(200, 100, 10), "144.478"),  # 100 + 3 × 1.4826 × 10
        (ROBUST, "-2", row(95, 100, 2), "94.0696"),  # 100 - 2 × 1.4826 × 2
        (QUANTILE, "0.95", row(9, 8, 20), "8"),
        (QUANTILE, "0.99", row(21, 8, 20), "20"),
    ],
)
def test_the_threshold_of_a_row_is_what_a_hand_reckons(
    connection: psycopg.Connection, relative: dict[str, Any], value: str, given_row: dict[str, Any], threshold: str
) -> None:
    limit = Decimal(threshold)
    at, above = {**given_row, "id": "a", "amount": threshold}, {**given_row, "id": "b", "amount": str(limit + 1)}
    far = {**given_row, "id": "c", "amount": str(limit + 2)}
    hits, nulls = scanned(connection, definition(relative, value), [at, above, far])
    assert [(hit["id"], hit["severity"]) for hit in hits] == [("b", "medium"), ("c", "high")]
    assert nulls == 0
    assert {(hit["limit"], hit["limit_as_set"]) for hit in hits} == {(threshold, value)}
    assert hits[0]["deviance"] == pytest.approx((limit + 1) / limit)


@pytest.mark.parametrize(
    ("relative", "value", "given_row"),
    [
        (SHARE, "6", row(300, None)),
        (SHARE, "6", row(300, "NaN")),
        (ROBUST, "3", row(300, None, 10)),
        (ROBUST, "3", row(300, 100, None)),
        (ROBUST, "3", row(300, 100, 0)),
        (ROBUST, "3", row(300, 100, "NaN")),
        (ROBUST, "3", row(300, 100, -1)),
        (QUANTILE, "0.95", row(300, None, 5)),
        (QUANTILE, "0.99", row(300, 5, "NaN")),
    ],
)
def test_where_the_baseline_says_nothing_the_row_is_null_and_never_fires(
    connection: psycopg.Connection, relative: dict[str, Any], value: str, given_row: dict[str, Any]
) -> None:
    for columns in (EXACT, BINARY):
        assert scanned(connection, definition(relative, value), [given_row], columns) == ([], 1)


def test_a_baseline_of_zero_is_a_number(connection: psycopg.Connection) -> None:
    hits, nulls = scanned(connection, definition(SHARE, 6), [row(1, 0), row(0, 0, name="b")])
    assert ([(hit["id"], hit["deviance"], hit["limit"]) for hit in hits], nulls) == ([("a", None, "0")], 0)


FORMULAS: dict[str, tuple[dict[str, Any], Callable[[Any, Any, Any], Any]]] = {
    "share": (SHARE, lambda value, usual, _: None if usual is None else value * usual),
    "robust_z": (
        ROBUST,
        lambda value, usual, spread: (
            None
            if usual is None or spread is None or spread <= 0
            else usual + type(usual)(value * Decimal("1.4826")) * spread
        ),
    ),
    "quantile": (QUANTILE, lambda value, usual, spread: usual if value == Decimal("0.95") else spread),
}
NUMBERS = st.none() | st.just("NaN") | st.decimals(min_value=-500, max_value=500, places=2)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS | st.just(Decimal(0))), min_size=1, max_size=8)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    ROWS,
    st.sampled_from(sorted(FORMULAS)),
    st.decimals(min_value=0, max_value=9, places=1),
    st.booleans(),
    st.sampled_from([">", ">=", "<"]),
)
def test_the_scan_says_of_every_row_what_the_formula_says(
    connection: psycopg.Connection,
    values: list[tuple[Any, Any, Any]],
    form: str,
    factor: Decimal,
    is_binary: bool,
    operator: str,
) -> None:
    relative, formula = FORMULAS[form]
    value = Decimal("0.95") if form == "quantile" else factor
    item = definition(relative, value, condition=f"amount {operator} :limit", severity=[{"level": "low"}])
    rows = [row(*each, name=f"t{place}") for place, each in enumerate(values)]
    hits, nulls = scanned(connection, item, rows, BINARY if is_binary else EXACT)
    kind: Any = float if is_binary else Decimal
    outcomes = []
    for each in values:
        amount, usual, spread = (None if cell in (None, "NaN") else kind(cell) for cell in each)
        limit = formula(value if form != "share" else kind(value), usual, spread)
        compared = {">": gt, ">=": ge, "<": lt}[operator]
        outcomes.append(None if amount is None or limit is None else compared(amount, limit))
    assert [hit["id"] for hit in hits] == [f"t{place}" for place, said in enumerate(outcomes) if said]
    assert nulls == outcomes.count(None)


def test_a_segment_has_a_share_of_its_own(connection: psycopg.Connection) -> None:
    item = definition(SHARE, 2, more={"by": "team", "values": {"slow": 5}})
    rows = [row(30, 10, name="a", team="slow"), row(30, 10, name="b", team="quick"), row(30, 10, name="c")]
    hits, _ = scanned(connection, item, rows)
    assert [(hit["id"], hit["limit"], hit["limit_as_set"]) for hit in hits] == [("b", "20", "2"), ("c", "20", "2")]


def test_the_gate_lets_every_row_through_that_a_relative_threshold_may_fire() -> None:
    reading = read(definition(SHARE, 6), EXACT, NOW)
    assert gate([reading]) == f"({reading.condition})"
    assert 'nullif(r."usual"' in reading.condition.lower()


def test_one_pass_of_a_sweep_would_not_be_exact_so_each_value_is_replayed() -> None:
    item, axis = definition(SHARE, 6), Axis("limit", (Decimal(2), Decimal(6)))
    with pytest.raises(Unsweepable, match="limit does not stand in one comparison with a column"):
        sweep_of(item, read(item, EXACT, NOW), [axis], History(item, Catalog({}), {}))


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ({"relative": {}}, "relative as share needs to; name what dbt computed for the row"),
        ({"relative": {"as": "robust_z", "median": "usual"}}, "relative as robust_z needs mad"),
        ({"relative": {"to": "usual", "mad": "spread"}}, "relative as share has no mad; remove it"),
        ({"relative": {"as": "quantile", "columns": {"95": "usual"}}}, 'the quantile "95"; write one between 0 and 1'),
        ({"relative": {"as": "quantile", "columns": {"0.9": "a", "0.90": "b"}}}, "a quantile twice"),
        ({"relative": {"as": "quantile", "columns": {"p95": "usual"}}}, '"p95" is not a plain decimal number'),
        ({"relative": QUANTILE, "default": "0.9"}, "is not a quantile that dbt computed; write 0.95 or 0.99"),
        ({"relative": QUANTILE, "type": "integer"}, "a quantile is no whole number"),
        ({"relative": SHARE, "default": -1}, "default -1 is under 0, and is a share of usual; write 0 or more"),
        ({"relative": SHARE, "unit": "USD"}, "unit USD is one of money, and the value is relative"),
        ({"relative": SHARE, "type": "duration", "default": "1h"}, "relative has no meaning for type duration"),
        ({"relative": SHARE, "step": "0.5", "default": "1.2"}, "off the step of 0.5; write 1 or 1.5"),
    ],
)
def test_a_relative_parameter_that_contradicts_itself_is_refused(parameter: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Parameter.model_validate({"default": 1, **parameter})


def test_the_nearest_value_of_a_quantile_is_one_that_dbt_computed() -> None:
    assert Parameter.model_validate({"default": "0.95", "relative": QUANTILE}).nearest(Decimal("0.98")) == Decimal(
        "0.99"
    )


@pytest.mark.parametrize("relative", [SHARE, ROBUST, QUANTILE])
def test_a_relative_parameter_survives_the_ledger(relative: dict[str, Any]) -> None:
    parameter = Parameter.model_validate({"default": "0.95", "relative": relative})
    for is_alias in (True, False):
        assert Parameter.model_validate(parameter.model_dump(mode="json", by_alias=is_alias)) == parameter


def test_a_baseline_is_a_column_of_the_model_and_a_number() -> None:
    parameters = {
        "a": Parameter.model_validate({"default": 1, "relative": {"to": "usuall"}}),
        "b": Parameter.model_validate({"default": 1, "relative": {"to": "team"}}),
        "c": Parameter.model_validate({"default": "0.95", "relative": {"as": "quantile", "columns": {"0.95": "gone"}}}),
        "d": Parameter.model_validate({"default": 1, "relative": SHARE}),
        "d_as_set": Parameter.model_validate({"default": 1}),
    }
    assert [(each.at, each.code, f"{each.what}; {each.remedy}") for each in check_baselines(parameters, EXACT)] == [
        (
            ("parameters", "a", "relative", "to"), "AP203",
            'relative.to "usuall" is not a column of the model; did you mean "usual"?',
        ),
        (
            ("parameters", "b", "relative", "to"), "AP207",
            'relative.to "team" is a text, not a number; name a column that holds a number, computed in dbt',
        ),
        (
            ("parameters", "c", "relative", "columns", "0.95"), "AP203",
            'relative.columns.0.95 "gone" is not a column of the model; it has amount, id, spread, team, usual',
        ),
        (
            ("parameters", "d"), "AP111",
            '"d_as_set" is what templates call the value of d that people set; rename one of the two',
        ),
    ]  # fmt: skip
