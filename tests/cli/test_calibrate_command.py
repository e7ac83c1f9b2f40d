"""calibrate: a value for a target, as the past has it, asked for on the way of any other change, with the evidence."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import FILE, PLAIN, payments
from tests.conftest import Database
from tests.definition_folder import DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder", "payments"]
SPAN = ("--from", "2025-12-22T05:00:00Z", "--to", "2026-01-05T05:00:00Z")
ASK = ("calibrate", "large_transaction", "--at-most", "2/week", *SPAN)
WHY = ("--reason", "too many small ones", "--as", "ada")
ONE_PASS = "\n".join(line for line in PLAIN.splitlines() if not line.startswith("clear_when")) + "\n"


@pytest.fixture(autouse=True)
def in_force(call: Call, folder: DefinitionFolder, payments: None) -> None:
    """One payment on each of ten days, 11 000 to 20 000, and a limit of 10 000 that is in force."""
    folder.write(FILE, ONE_PASS)
    data(call, "evaluate")


def requests(call: Call) -> list[Any]:
    return data(call, "parameters", "history", "large_transaction")["requests"]


def test_the_loosest_value_is_shown_and_without_a_reason_nothing_is_asked_for(call: Call) -> None:
    code, out, _ = call(*ASK)
    assert code == 0
    # Two weeks, so four incidents: those of 17 000 to 20 000 are over anything from 16 000 up to 17 000.
    found = data(call, *ASK)["proposal"]
    assert 16_000 <= found["value"] < 17_000
    assert (found["incidents_per_week"], found["current_incidents_per_week"]) == (2.0, 5.0)
    assert f"{found['value']} is the loosest with at most 2 incidents a week: 2.0 a week" in out
    assert "precision: nobody said" in out
    assert 'Nothing was asked for: --reason "…" opens the request.' in out
    assert requests(call) == []


def test_a_reason_opens_the_request_and_the_evidence_is_kept_and_shown(call: Call, database: Database) -> None:
    opened = data(call, *ASK, *WHY)
    assert (opened["status"], opened["waits_for"]) == ("open", ["ben"])
    [kept] = requests(call)
    assert (kept["new"], kept["reason"], kept["requested_by"]) == (opened["new"], "too many small ones", "ada")
    evidence = kept["impact"]["calibration"]
    assert (evidence["target"], evidence["value"]) == ("at most 2 incidents a week", kept["new"])
    assert [each["incidents_per_week"] for each in evidence["points"] if each["value"] == "10000"] == [5.0]
    assert kept["impact"]["lost"] == 6
    said = f"evidence: the loosest of {evidence['tried']} values with at most 2 incidents a week, 2025-12-22"
    assert said in call("parameters", "history", "large_transaction")[1]
    assert said in call("parameters", "list", "large_transaction")[1]
    with psycopg.connect(database.superuser_url) as connection:
        told = connection.execute("select message::text from ledger.outbox where transition = 'change_requested'")
        assert "the loosest of" in str(told.fetchall())


def test_a_dry_run_shows_what_it_would_ask_for(call: Call) -> None:
    code, out, _ = call(*ASK, *WHY, "--dry-run")
    assert code == 0
    assert out.index("is the loosest") < out.index("6 lost, 4 the same") < out.index("A dry run: nothing was asked")
    assert requests(call) == []


def test_a_step_is_kept_to(call: Call, folder: DefinitionFolder) -> None:
    folder.write(FILE, ONE_PASS.replace("    minimum: 100\n", "    minimum: 1000\n    step: 1000\n"))
    data(call, "evaluate")
    assert data(call, *ASK, *WHY)["new"] == "16000"


def test_a_segment_has_a_value_of_its_own(call: Call, database: Database) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("update marts.transactions set segment = 'gold' where amount > 15000")
    ask = ("calibrate", "large_transaction", "--at-most", "4/week", *SPAN, *WHY, "--segment", "gold")
    opened = data(call, *ask)
    assert (opened["scope"], opened["scope_value"], opened["old"]) == ("segment", "gold", None)
    # The five of 11 000 to 15 000 stay, whatever gold has; with the three of 18 000 and more they are four a week.
    assert 17_000 <= float(opened["new"]) < 18_000
    assert (opened["impact"]["lost"], opened["impact"]["calibration"]["incidents_per_week"]) == (2, 4.0)


def test_a_segment_in_which_nobody_is_can_not_be_calibrated(call: Call) -> None:
    code, _, err = call("calibrate", "large_transaction", "--at-most", "1/week", *SPAN, "--segment", "nobody")
    assert code == 1
    assert "no row of that segment was near one; name another segment" in err


def test_somebody_who_may_not_is_told_so(call: Call) -> None:
    code, _, err = call(*ASK, "--reason", "quiet", "--as", "ben")
    assert (code, requests(call)) == (1, [])
    assert "ben may not change large_transaction.review_limit" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say one of --at-most 5/week and --precision 0.8"),
        (("--at-most", "5/week", "--precision", "0.8"), "say one of --at-most 5/week and --precision 0.8"),
        (("--at-most", "5"), '--at-most "5" is not so many a week; write one such as 5/week'),
        (("--precision", "120%"), '--precision "120%" is not a share between 0 and 1; write one such as 0.8 or 80%'),
        (("--precision", "8_0%"), '--precision "8_0%" is not a share between 0 and 1; write one such as 0.8 or 80%'),
        (("--precision", "٨٠%"), '--precision "٨٠%" is not a share between 0 and 1; write one such as 0.8 or 80%'),
        (("--precision", "1e-9"), '--precision "1e-9" is not a share between 0 and 1; write one such as 0.8 or 80%'),
        (("--precision", "nan"), '--precision "nan" is not a share between 0 and 1; write one such as 0.8 or 80%'),
        (("--at-most", "5/week", "--parameter", "limit"), 'large_transaction has no parameter "limit"'),
    ],
)
def test_a_bad_call_is_one_sentence(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = call("calibrate", "large_transaction", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("alerting:")]) == 1


def test_a_target_that_nothing_keeps_is_a_finding(call: Call) -> None:
    code, out, err = call("calibrate", "large_transaction", "--precision", "80%", *SPAN)
    assert (code, out) == (1, "")
    assert "only 0 of the incidents have a verdict, and a share is promised from 10 on" in err
