"""Hostile values on every path: refused with a sentence, or what Postgres evaluates is exactly what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from alerting_pipeline.adapters.yaml_tree import BadYaml, read
from alerting_pipeline.domain.change_ports import Proposal
from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.parameter_sheet import written_for
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.relation import parameters_of
from alerting_pipeline.domain.value_set import ValueSet
from tests.usecases.test_tune import Desk
from tests.usecases.world import World, definition

TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": "number", "default": 1},
    "integer": {"type": "integer", "default": 1},
    "duration": {"type": "duration", "default": "1h"},
    "text": {"type": "text", "default": "start"},
    "boolean": {"type": "boolean", "default": True},
    "choice": {"type": "choice", "default": "start", "choices": ["start", "a'b"]},
    "list": {"type": "list", "default": ["start"]},
}
TEXTS = [
    "NaN", "Infinity", "-Infinity", "inf",
    "1e400", "1e3", "1E-3", "0x10", "0b11", "0o17", "1_000", "010", " 5", "5 ", "5\n",
    "\u00a05", "１２３", "٣", "1,000", "1.000,5", "", " ", "null", "~", "true", "yes", "-0", "-0.0", "+1", "0", "1.50",
    "100.10", "9" * 30, "9" * 31, "9" * 5000, "0." + "1" * 18, "0." + "1" * 19, "9223372036854775807",
    "9223372036854775808",
    "a'b", "'; drop table ledger.incidents; --", 'a"b', "a\\b", "\\", "{", "}", "{a,b}", "a,b",
    '"', '{"a"}', "null", "NULL", "\0", "a\0b", "\ud800", "a\u2028b", "a\u202eb", "a\tb", "a\u0007b",
    "é", "😀", "x" * 500,
    "x" * 10_000,
    "2026-01-05", "2026-01-05T05:00:00Z", "15m", "1h30m", "90m", "1d", "1w", "P1D", "1 day", "-1h", "1.5h",
    "1M", "{{ 7 * 7 }}", "${HOME}", "%s", "%(x)s", ":limit", "$1", "<b>", "=1+1",
]  # fmt: skip
VALUES = [None, True, 5, 1.5, float("nan"), float("inf"), Decimal("NaN"), Decimal("1E+3"), date(2026, 1, 5),
          datetime(2026, 1, 5, tzinfo=UTC), [], ["a", "b"], {"a": 1}, b"5", 10**40, *TEXTS]  # fmt: skip
TRIED = [pytest.param(kind, id=kind) for kind in TYPES]


class Path:
    """One way for a value: `take` gives the text that the ledger would keep, or raises with a sentence."""

    def __init__(self, world: World, kind: str) -> None:
        self.desk = Desk(world)
        self.definition = definition(parameters={"p": TYPES[kind]}, condition="amount > 1", severity=[{"level": "low"}])
        self.parameter = self.definition.parameters["p"]
        self.desk.world.definitions["large"] = self.definition

    def read(self, value: Any) -> str:
        return self.parameter.write(self.parameter.read(value))

    def backtest(self, value: Any) -> str:
        changed = ValueSet.of_definition(self.definition).changed(self.definition, {"p": value})
        return next(row.value for row in changed.rows if row.parameter == "p" and row.scope == "default")

    def case(self, value: Any) -> str:
        sql = parameters_of(self.definition, {"p": value})
        sql = f"with moment (as_of) as (select now()) {sql}"
        with psycopg.connect(self.desk.world.database.owner_url) as connection:
            row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return str(row[4])

    def stored_definition(self, value: Any) -> str:
        written = {**TYPES[self.parameter.type], "default": value}
        made = Parameter.model_validate(written)
        again = Parameter.model_validate_json(made.model_dump_json())
        assert again == made
        return again.write(again.default)

    def file(self, value: Any) -> str:
        tree, problems = read(f"p: {json.dumps(value)}\n".encode(), "x.yaml")
        if problems:
            raise ValueError(str(problems[0]))
        found = (tree.entries or {})["p"][1]
        assert found.value is not None or found.items is not None
        return self.read([item.value for item in found.items] if found.items is not None else found.value)

    def sheet(self, value: Any) -> str:
        written = written_for(self.parameter, Key("large", "p", "segment", "x"), value)
        assert written is not None
        return self.read(written)


@pytest.fixture
def connection(database: Any) -> Iterator[Any]:
    with psycopg.connect(database.owner_url) as opened:
        yield opened


def exact(connection: Any, parameter: Parameter, kept: str, value: Any) -> bool:
    """Is what Postgres makes of the kept text what Python says, and what was written?"""
    sql = f"select %s::{parameter.sql_type}"
    [found] = connection.execute(sql.encode(), [kept]).fetchone()
    typed = parameter.stored(kept)
    if isinstance(typed, tuple):
        return tuple(found) == typed and (list(typed) == value or list(typed) == [str(value)])
    if parameter.type == "duration":
        return found == typed
    if parameter.type == "boolean":
        return found is typed and value in (typed, kept)
    if parameter.type in ("number", "integer"):
        return found == typed == Decimal(str(value)) and Decimal(found).is_finite()
    return found == typed and (typed == value or not isinstance(value, str))


@pytest.mark.parametrize("kind", TRIED)
def test_a_hostile_value_is_refused_or_exact_on_every_path(world: World, connection: Any, kind: str) -> None:
    path = Path(world, kind)
    wrong, taken = [], 0
    for value in VALUES:
        answers = {}
        for name in ("read", "backtest", "case", "stored_definition", "file", "sheet"):
            if name == "file" and not isinstance(value, str | list):
                continue  # an unquoted scalar arrives as its text
            if name == "sheet" and not isinstance(value, str | bool | Decimal):
                continue  # adapters.exact_cell gives nothing else
            try:
                kept = getattr(path, name)(value)
            except (ValueError, AlertingError, BadYaml) as error:
                said = str(error)
                assert len(said) < 1500 and "Traceback" not in said
                answers[name] = None
                continue
            answers[name] = kept
            taken += 1
            if not exact(connection, path.parameter, kept, value):
                wrong.append((name, value, kept))
        same = {kept for name, kept in answers.items() if kept is not None}
        if len(same) > 1:
            wrong.append(("differ", value, sorted(same)))
    assert wrong == []
    assert taken > 0


HAND_WRITTEN = [
    ("number", "NaN", "not a plain decimal number"),
    ("number", "Infinity", "not a plain decimal number"),
    ("number", "0x10", "not a plain decimal number"),
    ("number", "1_000", "not a plain decimal number"),
    ("number", "many", "not a plain decimal number"),
    ("number", "5001", "over the maximum of 5000"),
    ("number", "9", "under the minimum of 10"),
    ("text", "101", "it is written as text, and the parameter is a number"),
]


@pytest.mark.parametrize(("kind", "value", "why"), HAND_WRITTEN)
@pytest.mark.parametrize("scope", ["default", "segment"])
def test_a_row_that_was_written_into_the_ledger_by_hand_silences_no_alert(
    world: World, kind: str, value: str, why: str, scope: str
) -> None:
    desk = Desk(world)
    world.put({"id": "a", "amount": 6000, "segment": "premium"})
    assert desk.fired() == ["a"]
    world.sql(
        "update ledger.parameter_values set value = %s, type = %s where parameter = 'limit' and scope = %s",
        value, kind, scope,
    )  # fmt: skip
    result = world.evaluate()["large"]
    assert result.outcome.value == "system_failure"
    of = "large.limit" if scope == "default" else "large.limit for segment premium"
    assert str(result.error).startswith(f"{of} can't have the value that the ledger holds: ")
    assert why in str(result.error) and "Set another one with `alerting parameters propose`" in str(result.error)
    assert [row["alert"] for row in world.incidents("kind = 'system' and status <> 'resolved'")] == ["evaluation_error"]
    assert world.incidents("alert = 'large'")[0]["status"] == "open"  # held, and not cleared
    assert world.evaluate()["large"].outcome.value == "system_failure"
    desk.approved(300, key=Key("large", "limit") if scope == "default" else Key("large", "limit", "segment", "premium"))
    assert desk.fired() == ["a"]
    assert world.incidents("kind = 'system' and status <> 'resolved'") == []


def test_other_alerts_of_the_mart_are_evaluated_beside_one_with_a_wrong_value(world: World) -> None:
    desk = Desk(world)
    world.publish(definition(alert="other"))
    world.put({"id": "a", "amount": 6000})
    world.sql("update ledger.parameter_values set value = 'NaN' where alert = 'large' and parameter = 'limit'")
    found = world.evaluate()
    assert {alert: each.outcome.value for alert, each in found.items()} == {
        "large": "system_failure",
        "other": "firing",
    }
    assert desk.rules.definitions


def test_a_definition_keeps_its_values_through_the_ledger(world: World) -> None:
    made = definition(parameters=TYPES, condition="amount > :number")
    again = AlertDefinition.model_validate(json.loads(json.dumps(made.model_dump(mode="json", by_alias=True))))
    assert again.parameters == made.parameters


@pytest.mark.parametrize("value", TEXTS)
def test_a_proposal_keeps_nothing_or_exactly_what_was_written(world: World, value: str) -> None:
    desk = Desk(world)
    try:
        desk.tuning.propose(Proposal(Key("large", "limit"), value, "ada", "x"))
    except AlertingError as error:
        assert "large.limit" in str(error)
        assert world.sql("select 1 from ledger.change_requests") == []
    else:
        assert world.sql("select new from ledger.change_requests") == [{"new": value}]
