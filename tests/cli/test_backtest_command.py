"""backtest as people and programs call it: the table, JSON, pictures, and one sentence for a call that can't be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.domain.catalog import Catalog, Model
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import FILE, PLAIN, payments
from tests.conftest import Database
from tests.definition_folder import CATALOG, DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder", "payments"]
ONE_PASS = "\n".join(line for line in PLAIN.splitlines() if not line.startswith("clear_when")) + "\n"
SPAN = ("--from", "2025-12-22T05:00:00Z", "--to", "2026-01-05T05:00:00Z")
BACKTEST = ("backtest", "large_transaction", *SPAN)
SWEEP = (*BACKTEST, "--sweep", "review_limit=8000:16000:4000")


@pytest.fixture(autouse=True)
def in_force(call: Call, folder: DefinitionFolder, payments: None) -> None:
    """One payment on each of ten days, 11 000 to 20 000, and a limit of 10 000 that is in force."""
    folder.write(FILE, ONE_PASS)
    data(call, "evaluate")


def test_the_table_says_both_sides_and_who_is_lost(call: Call) -> None:
    code, out, _ = call(*BACKTEST, "--set", "review_limit=15000")
    assert code == 0
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert lines["incidents"].split() == ["incidents", "10,", "5.0", "a", "week", "5,", "2.5", "a", "week"]
    assert "entities against what is in force: 0 gained, 5 lost, 5 the same" in out
    assert "Ada: $15,000" in out  # the worst of the lost
    assert "2025-12-29" in lines  # a week, by its Monday
    assert "Nothing was kept, and nobody was told." in out


def test_json_says_the_same_to_a_program(call: Call) -> None:
    found = data(call, *BACKTEST, "--set", "review_limit=15000")
    assert (found["in_force"]["incidents"], found["proposed"]["incidents"]) == (10, 5)
    assert (found["change"]["gained"], found["change"]["lost"], found["weeks"], found["data_from"]) == (0, 5, 2.0, None)
    assert sum(week["incidents"] for week in found["in_force"]["weeks"]) == 10
    assert [each["recipient"] for each in found["in_force"]["recipients"]] != []
    assert (found["in_force"]["precision"], found["in_force"]["recall"]) == (None, None)


def test_a_sweep_marks_what_is_in_force_and_was_read_in_one_pass(call: Call) -> None:
    code, out, _ = call(*BACKTEST, "--sweep", "review_limit=8000:16000:2000")
    assert code == 0
    [marked] = [line for line in out.splitlines() if "in force" in line and line.lstrip().startswith("10000")]
    assert marked.split()[:4] == ["10000", "10", "5.00", "7"]
    assert "in one pass. Nothing was kept." in out
    assert [each["incidents"] for each in data(call, *SWEEP)["points"]] == [10, 8, 4]


def test_what_one_pass_can_not_tell_is_said_with_the_reason_and_progress(call: Call, folder: DefinitionFolder) -> None:
    query = "select * from {{ ref('transactions') }} where amount is not null"
    text = ONE_PASS.replace("model: transactions", f'query: "{query}"', 1)
    folder.write(FILE, text)
    data(call, "evaluate")
    code, out, err = call(*BACKTEST, "--sweep", "review_limit=10000:15000:5000")
    assert code == 0, err
    assert "each value replayed by itself: large_transaction reads a query" in " ".join(out.split())
    assert "backtest: review_limit 10000" in err
    assert [line.split()[:2] for line in out.splitlines() if line.startswith(("10000", "15000"))] == [
        ["10000", "10"], ["15000", "5"],
    ]  # fmt: skip


def test_averages_are_over_the_weeks_for_which_there_is_data(call: Call, database: Database) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("update marts.transactions set created_at = '2025-12-22 05:00Z' where transaction_id = 'p0'")
    long = ("backtest", "large_transaction", "--from", "2025-10-01", "--to", "2026-01-05T05:00:00Z", "--every", "7d")
    found = data(call, *long)
    assert (found["weeks"], found["data_from"], found["in_force"]["incidents"]) == (
        2.0,
        "2025-12-22T05:00:00+00:00",
        10,
    )
    assert found["in_force"]["incidents_per_week"] == 5.0
    assert "Averages are over the 2.0 weeks for which there is data, since 2025-12-22." in call(*long)[1]


def test_pictures_hold_the_data(call: Call, tmp_path: Path) -> None:
    png, page, swept = tmp_path / "weeks.png", tmp_path / "weeks.html", tmp_path / "sweep.html"
    assert call(*BACKTEST, "--set", "review_limit=15000", "--plot", str(png))[0] == 0
    assert png.read_bytes().startswith(b"\x89PNG\r\n")
    assert len(png.read_bytes()) > 5_000
    assert call(*BACKTEST, "--set", "review_limit=15000", "--plot", str(page))[0] == 0
    weeks = _values(page)
    assert sum(row["incidents"] for row in weeks if row["values"] == "in force") == 10
    assert sum(row["incidents"] for row in weeks if row["values"] == "proposed") == 5
    assert call(*SWEEP, "--plot", str(swept))[0] == 0
    assert [row["a_week"] for row in _values(swept)] == [5.0, 4.0, 2.0]
    assert "in force: 10000" in swept.read_text(encoding="utf-8")


def _values(page: Path) -> list[dict[str, Any]]:
    """The rows that the page draws."""
    text = page.read_text(encoding="utf-8")
    [*_, first] = [json.loads(found) for found in re.findall(r'"data": \{"values": (\[\{.*?\}\])\}', text)][:1]
    return first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "review_limit"), '--set "review_limit" is not an assignment; write one such as review_limit=8000'),
        (("--set", "limit=3"), 'large_transaction has no parameter "limit"'),
        (("--set", "review_limit=NaN"), "review_limit"),
        (("--set", "review_limit=5"), "review_limit 5 is under the minimum of 100; write a value within the bounds"),
        (("--sweep", "review_limit=9:1:1"), '--sweep "review_limit=9:1:1" is no range; write one such as'),
        (("--sweep", "review_limit=1000:2000:1"), "1,001 combinations are more than 1,000; take a greater step"),
        (("--sweep", "a=1:2:1", "--sweep", "b=1:2:1", "--sweep", "c=1:2:1"), "--sweep takes one or two parameters"),
        (("--sweep", "review_limit=1000:2000:500", "--sweep", "review_limit=500:900:100"), "names review_limit twice"),
        (("--set", "review_limit=9000", "--sweep", "review_limit=1000:2000:500"), "say one of them"),
        (("--from", "2026-01-09"), "is not before --to"),
        (("--every", "soon"), "--every"),
        (("--plot", "weeks.pdf"), '"weeks.pdf" is neither a .png nor a .html file; name one of them'),
    ],
)
def test_a_bad_call_is_one_sentence(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = call(*BACKTEST, *arguments)
    assert (code, out) == (2, "")
    [sentence] = [line for line in err.splitlines() if not line.startswith("note: now is")]
    assert said in sentence


def test_an_alert_that_there_is_not_is_a_bad_call(call: Call) -> None:
    code, _, err = call("backtest", "large_transactoin")
    assert (code, 'did you mean "large_transaction"' in err or "large_transaction" in err) == (2, True)


def test_recorded_evaluations_tell_the_same_and_the_exit_code_says_so(call: Call) -> None:
    code, out, _ = call("backtest", "large_transaction", "--recorded")
    assert (code, "0 only delivered, 0 only in the replay" in out) == (0, True), out


def test_labels_count_once_they_were_known_and_no_evaluation_may_read_them(
    call: Call, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the ten, 11 000 and 16 000 were found to be fraud, 17 000 not; of 20 000 it is learned when it is too late."""
    labels = {"model": "investigations", "entity": "payment", "value": "is_fraud", "known_at": "found_at"}
    transactions = replace(CATALOG.models["transactions"], meta={"alerting": {"labels": labels}})
    investigations = Model("investigations", "model.x.investigations", "staging.investigations", is_mart=False)
    catalog = Catalog({**CATALOG.models, "transactions": transactions, "investigations": investigations})
    monkeypatch.setattr(App, "catalog", property(lambda app: catalog))
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:  # dbt makes marts as the owner
        connection.execute("grant select on marts.transactions to alerting_owner")
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("create schema if not exists staging")
        connection.execute("create table staging.investigations (payment text, is_fraud boolean, found_at timestamptz)")
        connection.execute(
            "insert into staging.investigations values ('p1', false, '2025-12-30'), ('p1', true, '2026-01-01'), "
            "('p6', true, '2026-01-01'), ('p7', false, '2026-01-01'), ('p10', true, '2026-02-01'), "
            "('p99', true, '2026-01-01'), ('p8', null, '2026-01-01')"
        )
    found = data(call, *BACKTEST, "--set", "review_limit=15000")
    assert "error" not in found, found
    shares = {side: [found[side][each] for each in ("precision", "recall")] for side in ("in_force", "proposed")}
    assert {side: [(each["hits"], each["of"]) for each in both] for side, both in shares.items()} == {
        "in_force": [(2, 3), (2, 2)],
        "proposed": [(1, 2), (1, 2)],
    }
    assert (round(shares["proposed"][1]["low"], 3), round(shares["proposed"][1]["high"], 3)) == (0.095, 0.905)
    assert "50% (1 of 2; 95 %: 9% to 91%)" in call(*BACKTEST, "--set", "review_limit=15000")[1]
    with psycopg.connect(database.reader_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from staging.investigations")
