"""preview and history as the author of a definition calls them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.definition_folder import COMPLETE, DefinitionFolder

__all__ = ["call", "folder"]


def test_a_preview_shows_query_rows_route_and_messages(call: Call) -> None:
    found = data(call, "preview", "large_transaction")
    assert (found["violations"], found["open_already"], found["rows"][0]["transaction_id"]) == (1, 0, "t1")
    assert "alerting.parameter_windows" in found["sql"]
    [incident] = found["incidents"]
    assert (incident["severity"], incident["summary"].startswith("Ada: ")) == ("medium", True)
    slack = next(each for each in incident["messages"] if each["channel"] == "slack")
    assert slack["destination"] == "#risk"
    assert "Ada" in json.dumps(slack["blocks"])
    code, out, _ = call("preview", "large_transaction")
    assert code == 0
    assert "1 row would fire" in out
    assert "  #risk: by branch" in out
    assert "Slack, #risk" in out
    assert out.endswith("Nothing was written or sent.\n")


def test_a_preview_leaves_nothing_behind_and_shows_what_is_open_already(call: Call) -> None:
    data(call, "preview", "large_transaction")
    assert data(call, "incidents", "list", "--all") == []
    assert data(call, "outbox", "list")["deliveries"] == []
    data(call, "evaluate")
    number = len(data(call, "outbox", "list")["deliveries"])
    found = data(call, "preview", "large_transaction")
    assert (found["violations"], found["open_already"], len(found["incidents"])) == (1, 1, 1)
    assert len(data(call, "outbox", "list")["deliveries"]) == number


def test_a_preview_of_an_earlier_instant_has_its_deviance_and_severity(call: Call) -> None:
    [incident] = data(call, "preview", "large_transaction", "--as-of", "2026-01-05T04:30:00Z")["incidents"]
    assert (incident["deviance"], incident["severity"]) == (1.5, "medium")


def test_a_draft_elsewhere_is_previewed_before_it_is_anybodys(call: Call, tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(COMPLETE.replace("alert: large_transaction", "alert: a_draft").replace("10000", "8000"))
    found = data(call, "preview", str(draft))
    assert (found["alert"], found["violations"]) == ("a_draft", 2)
    draft.write_text(COMPLETE.replace("alert: large_transaction", "alert: a_draft").replace("amount >", "amout >"))
    code, _, err = call("preview", str(draft))
    assert (code, "amout" in err, "the file of a_draft has errors" in err) == (1, True, True)


def test_saved_messages_are_files_to_open(call: Call, tmp_path: Path) -> None:
    call("preview", "large_transaction", "--save", str(tmp_path / "shown"))
    assert json.loads((tmp_path / "shown" / "large_transaction_1.slack.json").read_text())["blocks"]


def test_what_can_not_be_previewed_says_what_can(call: Call) -> None:
    code, _, err = call("preview", "large_transactions")
    assert (code, 'did you mean "large_transaction"' in err) == (2, True)
    code, _, err = call("preview", "missing.yaml")
    assert (code, "missing.yaml does not exist; name a file, or an alert without .yaml" in err) == (2, True)


def test_history_names_what_each_version_changed(call: Call, folder: DefinitionFolder) -> None:
    data(call, "evaluate")
    folder.write("fraud/large_transaction.yaml", COMPLETE.replace("default: 10000", "default: 12000"))
    data(call, "evaluate")
    newest, first = data(call, "history", "large_transaction")
    assert [(each["key"], each["before"], each["after"]) for each in newest["changes"]] == [
        ("parameters.review_limit.default", "10000", "12000")
    ]
    assert (first["evaluations"], first["incidents"], first["changes"]) == (1, 1, [])
    assert (first["in_force_to"], newest["in_force_to"]) == (newest["in_force_from"], None)
    assert [each["version"] for each in data(call, "history", "large_transaction", "--at", first["in_force_from"])] == [
        first["version"]
    ]
    code, out, _ = call("history", "large_transaction")
    assert (code, "1 evaluation, 1 incident opened" in out, "12000" in out) == (0, True, True)
    code, _, err = call("history", "large_transactoin")
    assert (code, 'did you mean "large_transaction"' in err) == (2, True)
