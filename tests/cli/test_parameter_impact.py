"""What a changed value would have done is shown before it is asked for, and kept with the request."""

from __future__ import annotations

import pytest

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import FILE, PLAIN, payments
from tests.definition_folder import DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder", "payments"]
ASK = ("parameters", "propose", "large_transaction", "review_limit")
WHY = ("--reason", "too many small ones", "--as", "ada", "--days", "14")


@pytest.fixture(autouse=True)
def in_force(call: Call, folder: DefinitionFolder, payments: None) -> None:
    """One payment on each of ten days, 11 000 to 20 000, and a limit of 10 000 that is in force."""
    folder.write(FILE, PLAIN)
    data(call, "evaluate")


def test_the_impact_is_shown_before_and_nothing_is_asked_in_a_dry_run(call: Call) -> None:
    found = data(call, *ASK, "15000", *WHY, "--dry-run")
    impact = found["impact"]
    # 16 000 to 20 000 stay over the limit, 11 000 to 15 000 no longer are.
    assert (impact["gained"], impact["lost"], impact["common"]) == (0, 5, 5)
    assert (impact["before"]["incidents_per_week"], impact["after"]["incidents_per_week"]) == (5.0, 2.5)
    code, out, _ = call(*ASK, "15000", *WHY, "--dry-run")
    assert code == 0
    assert "entities: 0 gained, 5 lost, 5 the same" in out
    assert out.index("0 gained") < out.index("A dry run: nothing was asked for.")
    assert data(call, "parameters", "list", "large_transaction")["requests"] == []


def test_a_segment_that_nobody_is_in_changes_nothing(call: Call) -> None:
    impact = data(call, *ASK, "15000", *WHY, "--segment", "premium", "--dry-run")["impact"]
    assert (impact["gained"], impact["lost"], impact["common"]) == (0, 0, 10)


def test_the_impact_is_kept_with_the_request(call: Call) -> None:
    asked = data(call, *ASK, "15000", *WHY)
    sql = f"select impact from alerting.change_requests where request_id = {asked['request_id']}"
    [kept] = data(call, "sql", sql)
    assert kept["impact"]["lost"] == 5


def test_a_value_that_can_not_be_is_refused_before_anything_is_replayed(call: Call) -> None:
    code, out, err = call(*ASK, "1e400", *WHY)
    assert (code, out, "review_limit" in err or "1e400" in err) == (2, "", True)


def test_without_impact_nothing_is_replayed(call: Call) -> None:
    assert data(call, *ASK, "15000", *WHY, "--dry-run", "--no-impact")["impact"] is None


def test_a_value_that_no_evaluation_would_read_is_refused(call: Call, folder: DefinitionFolder) -> None:
    text = PLAIN.replace("by: segment", "# by: segment").replace("values: {premium: 50000}", "# values")
    folder.write(FILE, text)
    data(call, "evaluate")
    for scope in (("--segment", "premium"), ("--entity", "p1")):
        code, _, err = call(*ASK, "15000", *WHY, *scope, "--dry-run")
        assert (code, "has no values per segment or entity; name a column with `by:`" in err) == (2, True), err


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("option", ["--from", "--until"])
def test_an_instant_out_of_all_reach_is_refused(call: Call, option: str, instant: str) -> None:
    code, _, err = call(*ASK, "15000", *WHY, "--no-impact", option, instant)
    assert (code, f'{option} "{instant}" is too far away; write an instant of the years' in err) == (2, True), err


def test_the_history_of_what_there_never_was_is_no_empty_table(call: Call) -> None:
    code, out, err = call("parameters", "history", "large_transactoin")
    assert (code, out, 'did you mean "large_transaction"' in err) == (2, "", True), err


def test_half_a_character_is_refused_in_names_and_in_every_reason(call: Call) -> None:
    code, _, err = call(*ASK, "15000", *WHY, "--no-impact", "--segment", "caf\udce9")
    assert (code, "the name of the segment contains a control character, or half of one" in err) == (2, True), err
    data(call, *ASK, "15000", *WHY, "--no-impact")
    half = ("--reason", "caf\udce9", "--as", "ada")
    code, _, err = call("parameters", "revert", "large_transaction", "review_limit", *half)
    assert (code, "the reason contains a control character, or half of one; remove it" in err) == (2, True), err
