"""Entries of a list on the command line: joining, leaving, what is shown, and what each of them would have done."""

from __future__ import annotations

import pytest

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import FILE, PLAIN, payments
from tests.definition_folder import DefinitionFolder

__all__ = ["call", "folder", "payments"]
ASK = ("parameters", "propose", "large_transaction", "known")
WHY = ("--reason", "they said so", "--as", "ada")
LISTED = PLAIN.replace(
    "amount > :review_limit", "amount > :review_limit and not (transaction_id = any(:known))"
).replace(
    "parameters:\n", "parameters:\n  known: {type: list, default: [{value: p0, until: 2030-01-01, author: ben}]}\n"
)


@pytest.fixture(autouse=True)
def in_force(call: Call, folder: DefinitionFolder, payments: None) -> None:
    folder.write(FILE, LISTED)
    data(call, "evaluate")


def test_an_entry_joins_with_its_impact_and_is_shown_with_its_end_reason_and_author(call: Call) -> None:
    [first, *_] = data(call, "sql", "select entity ->> 'transaction_id' as id from alerting.incidents order by 1")
    done = data(call, *ASK, "--add", first["id"], *WHY, "--until", "2030-02-01", "--days", "14")
    assert (done["status"], done["impact"]["lost"], done["impact"]["gained"]) == ("approved", 1, 0)
    found = data(call, "parameters", "list", "large_transaction", "--explain")["parameters"]
    entries = {each["scope_value"]: each for each in found if each["scope"] == "entry"}
    assert {name: (each["author"], each["reason"], each["until"][:10]) for name, each in entries.items()} == {
        "p0": ("ben", None, "2030-01-01"),
        first["id"]: ("ada", "they said so", "2030-02-01"),
    }
    code, out, _ = call("parameters", "list", "large_transaction", "--explain")
    assert code == 0
    assert "they said so" in out
    assert "each has its own time" in out
    code, out, _ = call("parameters", "history", "large_transaction", "known")
    assert "they said so" in out
    code, out, _ = call(*ASK, "--remove", first["id"], *WHY, "--no-impact")
    assert out.startswith(f"large_transaction.known: {first['id']} leaves the list")


def test_a_segment_has_a_list_of_its_own_as_a_whole(call: Call, folder: DefinitionFolder) -> None:
    folder.write(FILE, LISTED.replace("known: {type: list,", "known: {type: list, by: status,"))
    assert [each["violations"] for each in data(call, "evaluate")["evaluations"]] == [10]
    more = ("--segment", "pending", *WHY, "--no-impact")
    assert data(call, *ASK, '["p1", "p2", "p,3"]', *more)["new"] == '{"p1","p2","p,3"}'
    assert [each["violations"] for each in data(call, "evaluate")["evaluations"]] == [8]
    code, _, err = call(*ASK, '["p1"', *more)
    assert (code, "is no list; write one such as" in err) == (2, True)
    code, _, err = call(*ASK, '[{"value": "p1"}]', *more)
    assert (code, "is not a text" in err) == (2, True)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("x",), "are changed one by one; write --add ENTRY or --remove ENTRY"),
        (("x", "--add", "y"), "write one of: the new value, --add or --remove with an entry of a list"),
        ((), "write one of: the new value"),
        (("--add", "x", "--segment", "premium"), "a segment or an entity has a whole list of its own"),
        (("--remove", "x"), "x is not in the list large_transaction.known; there is nothing to take out"),
        (("--add", "p0"), "p0 is in the list large_transaction.known already until 2030-01-01 00:00 UTC; to keep it"),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Call, more: tuple[str, ...], why: str) -> None:
    code, _, err = call(*ASK, *more, *WHY, "--no-impact")
    assert code in (1, 2)
    assert why in err
