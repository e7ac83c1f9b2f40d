"""Self-approval, values out of bounds and stale approvals are refused on every path, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.domain.change_ports import Proposal
from alerting_pipeline.domain.change_request import Key
from alerting_pipeline.domain.errors import AlertingError
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_parameter_sheets import READ, Paper, ask, paper
from tests.conftest import Database

__all__ = ["call", "folder", "paper"]
LIMIT = Key("large_transaction", "review_limit")
ASK = ("parameters", "propose", "large_transaction", "review_limit")
WHY = ("--reason", "x", "--no-impact")


class Paths:
    """The ways on which a change can come; each raises AssertionError where it is not refused, and says why it is."""

    def __init__(self, call: Call, paper: Paper, database: Database) -> None:
        self.call, self.paper, self.database = call, paper, database

    def cli(self, *arguments: str) -> str:
        code, _, err = self.call("parameters", *arguments)
        assert code in (1, 2)
        return err

    def use_case(self, deed: Callable[[Any], Any]) -> str:
        with App.from_environment() as app, pytest.raises(AlertingError) as refused:
            deed(app.tuning())
        return str(refused.value)

    def sql(self, statement: str, *values: Any) -> str:
        with (
            psycopg.connect(self.database.app_url) as connection,
            pytest.raises(psycopg.errors.IntegrityError) as refused,
        ):
            connection.execute(statement.encode(), values)
        return str(refused.value)

    def sheet(self, **cells: Any) -> str:
        ask(self.paper, **cells)
        data(self.call, *READ)
        return self.paper.answer

    def asked(self, value: str = "20000", person: str = "ada") -> int:
        return int(data(self.call, *ASK, value, "--as", person, *WHY)["request_id"])

    def approved(self, value: str) -> int:
        number = self.asked(value)
        data(self.call, "parameters", "approve", str(number), "--as", "ben")
        return number

    @property
    def in_force(self) -> str:
        with psycopg.connect(self.database.owner_url) as connection:
            row = connection.execute(
                "select value from alerting.parameters_in_force where parameter = 'review_limit' and scope = 'default'"
            ).fetchone()
        assert row is not None
        return str(row[0])


@pytest.fixture
def paths(call: Call, paper: Paper, database: Database, home: Path) -> Paths:
    return Paths(call, paper, database)


APPROVE = (
    "update ledger.change_requests set status = 'approved', decided_by = %s, decided_at = '2026-01-05T05:00Z' "
    "where request_id = %s"
)
PUT = (
    "insert into ledger.parameter_values (alert, parameter, type, scope, value, valid_from, changed_by, approved_by, "
    "request_id) values ('large_transaction', 'review_limit', 'number', 'default', %s, '2026-02-01Z', %s, %s, %s)"
)


def test_nobody_approves_what_they_asked_for_themselves(call: Call, paths: Paths) -> None:
    own = "cleo asked for request {}: somebody else has to approve it"
    number = paths.asked(person="cleo")
    assert own.format(number) in paths.cli("approve", str(number), "--as", "cleo")
    assert own.format(number) in paths.use_case(lambda tuning: tuning.approve(number, "cleo"))
    assert "change_requests_check" in paths.sql(APPROVE, "cleo", number)
    assert "change_requests_four_eyes" in paths.sql(APPROVE, None, number)
    ask(paths.paper, "30000", person="cleo")
    [done] = data(call, *READ)["rows"]
    assert own.format(done["request_id"]) in paths.cli("approve", str(done["request_id"]), "--as", "cleo")
    paths.approved("15000")
    back = data(call, "parameters", "revert", LIMIT.alert, LIMIT.parameter, "--as", "cleo", "--reason", "x")
    assert back["status"] == "open"
    assert own.format(back["request_id"]) in paths.cli("approve", str(back["request_id"]), "--as", "cleo")
    assert paths.in_force == "15000"


@pytest.mark.parametrize(("value", "why"), [("99", "under the minimum of 100"), ("250000.5", "over the maximum of 25")])
def test_a_value_out_of_bounds_is_refused(paths: Paths, value: str, why: str) -> None:
    assert why in paths.cli("propose", *LIMIT.__str__().split("."), value, "--as", "ada", *WHY)
    assert why in paths.use_case(lambda tuning: tuning.propose(Proposal(LIMIT, value, "ada", "x")))
    assert why in paths.sheet(value=value)
    assert why in paths.sheet(value=float(value))
    assert why in paths.sql(PUT, value, "definition", None, None)
    with psycopg.connect(paths.database.owner_url) as connection:
        number = paths.asked()
        connection.execute("update ledger.change_requests set new = %s where request_id = %s", (value, number))
    assert why in paths.sql(APPROVE, "ben", number)
    assert "is void" in paths.cli("approve", str(number), "--as", "ben")
    assert paths.in_force == "10000"


def test_what_held_before_is_not_brought_back_where_the_bounds_forbid_it_now(
    call: Call, paths: Paths, folder: Any
) -> None:
    paths.approved("20000")
    from tests.cli.test_plan_command import FILE, PLAIN

    folder.write(FILE, PLAIN.replace("default: 10000", "default: 20000").replace("minimum: 100", "minimum: 15000"))
    data(call, "evaluate")
    why = "What held before can't be set any more: value 10000 is under the minimum of 15000"
    assert why in paths.cli("revert", *str(LIMIT).split("."), "--as", "ada", "--reason", "x")
    assert why in paths.use_case(lambda tuning: tuning.revert(LIMIT, "ada", "x"))


def test_an_approval_of_what_is_not_exact_any_more_is_refused(call: Call, paths: Paths) -> None:
    stale = r"10000 was in force, and 12000 is now"
    first, second = paths.asked("20000"), paths.asked("30000")
    with psycopg.connect(paths.database.owner_url) as connection:  # another value, and nobody let the requests go
        connection.execute(
            "update ledger.parameter_values set value = '12000' where parameter = 'review_limit' and scope = 'default'"
        )
    assert re.search(f"stale: {stale}", paths.sql(APPROVE, "ben", first))
    assert stale in paths.cli("approve", str(first), "--as", "ben")
    with App.from_environment() as app:
        assert stale in str(app.tuning().approve(second, "ben").request.answer)
    assert "12000 meanwhile, and not 10000" in paths.sheet()
    assert "is 12000 meanwhile" in paths.cli("propose", *str(LIMIT).split("."), "20000", "--old", "10000", "--as",
                                             "ada", *WHY)  # fmt: skip
    assert paths.in_force == "12000"


def test_a_decided_request_is_not_decided_again(call: Call, paths: Paths) -> None:
    number = paths.approved("20000")
    since = f"Request {number} is approved since"
    assert since in paths.cli("approve", str(number), "--as", "ben")
    assert since in paths.cli("reject", str(number), "--as", "ben", "--reason", "x")
    assert since in paths.use_case(lambda tuning: tuning.approve(number, "ben"))
    assert f"request {number} is approved already" in paths.sql(APPROVE, "ben", number)
    late = paths.asked("30000")
    late_approval = APPROVE.replace("2026-01-05T05:00Z", "2026-01-12T05:00Z")
    assert f"request {late} has expired" in paths.sql(late_approval, "ben", late)


def test_the_program_puts_no_value_into_force_that_nobody_approved(paths: Paths) -> None:
    refused = "no approved request asks for it"
    number = paths.asked("20000")
    assert refused in paths.sql(PUT, "20000", "ada", "ben", number)
    assert refused in paths.sql(PUT, "20000", "ada", "ben", None)
    done = paths.approved("30000")
    assert refused in paths.sql(PUT, "30001", "ada", "ben", done)
    assert refused in paths.sql(PUT, "30000", "ada", "cleo", done)
    assert "a request begins open" in paths.sql(
        "insert into ledger.change_requests (alert, parameter, old, new, requested_by, decided_by, status) "
        "values ('large_transaction', 'review_limit', '30000', '1', 'ada', 'ben', 'approved')"
    )
