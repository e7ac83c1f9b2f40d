"""evaluate, test and incidents as people and programs call them, on a mart of three rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.health import ReadyModel
from tests.conftest import Database
from tests.definition_folder import CATALOG, COMPLETE, TRANSACTIONS, DefinitionFolder

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> DefinitionFolder:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("ALERTING_AS_OF", "2026-01-05T05:00:00Z")
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    monkeypatch.setattr(App, "app_url", property(lambda app: database.app_url))
    monkeypatch.setattr(App, "reader_url", property(lambda app: database.reader_url))
    columns = ", ".join(f"{name} {kind}" for name, kind in TRANSACTIONS.columns.items())
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(f"create table marts.transactions ({columns})".encode())
        connection.execute("grant select on marts.transactions to alert_reader")
        connection.execute(
            "insert into marts.transactions (transaction_id, customer_name, amount, status, created_at) values "
            "('t1', 'Ada', 15000, 'pending', '2026-01-05 04:22Z'), ('t2', 'Bob', 9000, 'pending', '2026-01-05 04:23Z')"
        )
    return files


@pytest.fixture
def call(folder: DefinitionFolder, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def data(call: Call, *arguments: str) -> Any:
    return json.loads(call(*arguments, "--json")[1])


def test_a_dry_run_shows_what_would_fire_and_keeps_nothing(call: Call) -> None:
    found = data(call, "evaluate", "--dry-run")  # of the files as they are, published or not
    assert [(item["alert"], item["violations"]) for item in found["evaluations"]] == [("large_transaction", 1)]
    assert data(call, "incidents", "list", "--all") == []


def test_evaluate_opens_and_lists_and_shows(call: Call) -> None:
    found = data(call, "evaluate")
    [evaluation] = found["evaluations"]
    assert (evaluation["outcome"], evaluation["violations"], evaluation["opened"]) == ("firing", 1, 1)
    assert evaluation["sample"][0]["transaction_id"] == "t1"
    assert data(call, "evaluate")["evaluations"][0]["opened"] == 0
    [incident] = data(call, "incidents", "list", "--severity", "medium")
    assert incident["entity"] == {"transaction_id": "t1"}
    assert data(call, "incidents", "list", "--severity", "critical") == []
    shown = data(call, "incidents", "show", str(incident["incident_id"]))
    assert [event["event"] for event in shown["events"]] == ["opened"]
    code, out, _ = call("incidents", "show", str(incident["incident_id"]))
    assert code == 0
    assert "History" in out
    assert "Messages" in out
    assert "large_transaction" in call("incidents")[1]


def test_a_dry_run_after_publication_names_the_violations(call: Call) -> None:
    data(call, "evaluate")
    found = data(call, "evaluate", "--dry-run", "large_transaction")
    assert (found["dry_run"], found["evaluations"][0]["violations"]) == (True, 1)
    assert "Nothing was written or sent." in call("evaluate", "--dry-run")[1]


def test_a_person_acknowledges_and_resolves_by_name(call: Call) -> None:
    data(call, "evaluate")
    number = str(data(call, "incidents", "list")[0]["incident_id"])
    code, _, err = call("incidents", "acknowledge", number, "--as", "nobody-here")
    assert (code, "is not a person in people.yaml" in err) == (2, True)
    assert data(call, "incidents", "acknowledge", number, "--as", "ada")["status"] == "acknowledged"
    code, out, _ = call("incidents", "resolve", number, "--as", "ada", "--disposition", "false_positive")
    assert (code, out) == (0, f"Incident {number} resolved by ada: false_positive.\n")
    assert data(call, "evaluate")["evaluations"][0]["opened"] == 0
    [ended] = data(call, "incidents", "list", "--resolved")
    assert (ended["resolution"], ended["disposition"]) == ("by_person", "false_positive")


def test_a_person_carries_out_an_action_once(call: Call) -> None:
    data(call, "evaluate")
    number = str(data(call, "incidents", "list")[0]["incident_id"])
    assert [each["name"] for each in data(call, "incidents", "show", number)["actions"]] == ["approve", "deny"]
    assert "transaction_reviews: decision: denied for transaction_id" in call("incidents", "show", number)[1]
    code, out, _ = call("incidents", "act", number, "deny", "--as", "ada", "--dry-run")
    assert (code, "would do" in out) == (0, True)
    done = data(call, "incidents", "act", number, "deny", "--as", "ada", "--note", "stolen")
    assert done["disposition"] == "true_positive" and done["writes"]["values"] == {"decision": "denied"}
    code, _, err = call("incidents", "act", number, "approve", "--as", "ada")
    assert (code, 'ada did "deny"' in err) == (1, True)
    assert call("incidents", "act", number, "no_such_action", "--as", "ada")[0] == 2


def test_cases_run_and_a_wrong_one_fails_with_file_case_and_what_came(call: Call, folder: DefinitionFolder) -> None:
    assert call("test")[0] == 0
    folder.write("fraud/large_transaction.yaml", COMPLETE.replace("deviance: 1.5}]", "deviance: 1.4}]"))
    code, out, _ = call("test", "large_transaction")
    assert code == 1
    assert 'fraud/large_transaction.yaml: large_transaction, case "above the limit' in out
    assert "expected deviance 1.4 for t1, got 1.5" in out
    assert data(call, "test")["failed"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("test", "large_transactoin"), 'did you mean "large_transaction"?'),
        (("evaluate", "nothing_like_it"), "is not an alert in force"),
        (("evaluate", "--as-of", "yesterday"), "is not an instant"),
        (("incidents", "resolve", "1", "--as", "ada", "--disposition", "maybe"), "is not a disposition"),
    ],
)
def test_a_bad_call_is_one_sentence_and_exit_code_two(call: Call, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = call(*arguments)
    assert (code, err.count("\n") <= 3, said in err) == (2, True, True)


def test_an_incident_that_is_not_there_is_a_failure(call: Call) -> None:
    code, _, err = call("incidents", "show", "4711")
    assert code == 1
    assert err == "alerting: There is no incident 4711; `alerting incidents list --all` shows those there are.\n"


def test_a_person_evaluating_by_hand_does_not_end_what_a_failed_test_holds(call: Call, database: Database) -> None:
    data(call, "evaluate")
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("update marts.transactions set status = 'settled'")
    with App.from_environment() as app:
        app.mart_health.note(ReadyModel("model.shop.transactions", False, ("not_null_transactions_amount failed",)))
    code, out, _ = call("evaluate", "--json")
    [held] = json.loads(out)["evaluations"]
    assert (code, held["outcome"], held["held"], held["cleared"]) == (1, "data_failure", 1, 0)
    with App.from_environment() as app:
        app.mart_health.note(ReadyModel("model.shop.transactions", True))
    [cleared] = data(call, "evaluate")["evaluations"]
    assert (cleared["outcome"], cleared["cleared"]) == ("clear", 1)


def test_a_database_that_went_away_is_one_sentence(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(App, "app_url", property(lambda app: f"postgresql://alerting_app@/alerting?host={tmp_path}"))
    code, out, err = call("incidents", "list", "--json")
    assert code == 1
    assert json.loads(out)["error"].startswith("The database went away")
    assert err.startswith("alerting: The database went away")


def test_a_dry_run_shows_the_rows_that_would_be_written_as_they_are_and_would_be(
    call: Call, database: Database, home: Path
) -> None:
    call("evaluate")
    call("deliver", "--once")
    sheet = home / "sheets" / "fraud_review.xlsx"
    written = sheet.read_bytes()
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("update marts.transactions set amount = 250000 where transaction_id = 't1'")
        connection.execute("update marts.transactions set amount = 20000 where transaction_id = 't2'")
    found = data(call, "evaluate", "--dry-run")["rows"]
    (preview,) = [each for each in found if each["destination"] == "fraud_review"]
    changed, new = sorted(preview["rows"], key=lambda row: row["before"] is None)
    assert changed["before"]["severity"] == "medium" and changed["after"]["severity"] == "critical"
    assert (new["before"], new["after"]["transaction_id"]) == (None, "t2")
    assert preview["halted"] == 0
    shown = call("evaluate", "--dry-run")[1]
    assert "fraud_review: 2 rows would be written" in shown and "severity: medium → critical" in shown
    assert sheet.read_bytes() == written, "the sheet is as it was"


def test_a_dry_run_says_that_a_run_would_wait(call: Call, folder: DefinitionFolder, database: Database) -> None:
    text = (folder.folder / "destinations.yaml").read_text()
    folder.write("destinations.yaml", text.replace("{channel: sheet}", "{channel: sheet, at_most: 1 per run}"))
    call("evaluate")
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(
            "insert into marts.transactions (transaction_id, customer_name, amount, status, created_at) values "
            "('t3', 'Eva', 15000, 'pending', '2026-01-05 04:24Z'), ('t4', 'Dan', 15000, 'pending', '2026-01-05 04:24Z')"
        )
    shown = call("evaluate", "--dry-run")[1]
    assert "fraud_review: 2 rows would be written; 2 of them would wait for approval" in shown
