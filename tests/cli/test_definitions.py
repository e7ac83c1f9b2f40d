"""validate, schema, show and route on the command line: what they print, and their exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.catalog import Catalog
from alerting_pipeline.domain.definition_schema import definition_schema
from tests.conftest import PROJECT
from tests.definition_folder import CATALOG, COMPLETE, DATA, MINIMAL, REPORT, DefinitionFolder


class Shell:
    """Calls the command line on a folder of its own, with the hand-made catalog instead of dbt's."""

    def __init__(self, files: DefinitionFolder, capsys: pytest.CaptureFixture[str]) -> None:
        self.files = files
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = self._capsys.readouterr()
        return int(stop.value.code or 0), out, err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json")[1])


@pytest.fixture
def shell(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    return Shell(files, capsys)


def test_validate_ends_with_a_count_and_notes_are_no_failure(shell: Shell) -> None:
    code, out, err = shell("validate")
    assert (code, err) == (0, "")
    [line] = out.splitlines()
    told = r"1 definition, 0 errors, \d+ notes?, \d+\.\d s; `alerting validate --notes` prints the notes"
    assert re.fullmatch(told, line)
    out = shell("validate", "--notes")[1]
    assert out.splitlines()[0].startswith(
        "fraud/large_transaction.yaml:46:1: note: buttons are not shown in messages yet"
    )


def test_validate_fails_with_file_line_and_column(shell: Shell) -> None:
    shell.files.write("fraud/large_transaction.yaml", COMPLETE.replace("owner: risk-ops", "owner: risk-opps"))
    code, out, _ = shell("validate")
    assert code == 1
    sentence = (
        'fraud/large_transaction.yaml:8:8: owner "risk-opps" is not a team in people.yaml; did you mean "risk-ops"?'
    )
    assert sentence in out.splitlines()
    assert ", 1 error, " in out.splitlines()[-1]


def test_validate_speaks_json(shell: Shell) -> None:
    shell.files.write("fraud/large_transaction.yaml", MINIMAL.replace("amount >", "amont >"))
    said = shell.json("validate")
    assert (said["definitions"], said["errors"], said["notes"]) == (1, 1, 1)
    assert said["problems"][0] == {
        "path": "fraud/large_transaction.yaml", "line": 6, "column": 12, "severity": "error",
        "what": '"amont" is not a column of the model', "remedy": 'did you mean "amount"?',
        "code": "AP203", "page": "docs/errors/AP203.md",
    }  # fmt: skip


def test_validate_looks_only_at_what_is_named(shell: Shell) -> None:
    shell.files.write("other/bad.yaml", "alert: [")
    folder = shell.files.folder
    for chosen in (folder / "fraud", folder / "fraud/large_transaction.yaml", Path("fraud")):
        code, out, _ = shell("validate", str(chosen))
        assert (code, "bad.yaml" in out) == (0, False)
    assert shell("validate", str(folder / "other"))[0] == 1
    assert shell("validate", str(folder))[0] == 1


def test_validate_takes_the_name_of_a_definition(shell: Shell) -> None:
    shell.files.write("fraud/other.yaml", MINIMAL.replace("large_transaction", "other").replace("amount >", "amont >"))
    assert shell("validate", "large_transaction")[0] == 0
    code, out, _ = shell("validate", "other")
    assert (code, out.splitlines()[0].split(": ")[0]) == (1, "fraud/other.yaml:6:12")


@pytest.mark.parametrize("command", [["test", "large_transaction"], ["reports", "preview", "weekly_account_summary"]])
def test_a_definition_whose_file_has_errors_is_told_with_them(shell: Shell, command: list[str]) -> None:
    shell.files.write("fraud/large_transaction.yaml", MINIMAL.replace("amount >", "amont >"))
    shell.files.write("fraud/summary.yaml", REPORT.replace("to_column: owner_email", "to_column: owner_mail"))
    code, _, err = shell(*command)
    assert code == 1
    assert re.search(r"fraud/\w+\.yaml:\d+:\d+: .*; did you mean", err)
    assert err.splitlines()[-1] == f"alerting: the file of {command[-1]} has errors; correct it at the places above"


def test_explain_prints_the_page_of_a_code(shell: Shell) -> None:
    assert shell("explain", "ap203")[1].startswith("# AP203: A column that there is not\n")
    code, _, err = shell("explain", "AP2033")
    assert (code, err) == (2, 'alerting: "AP2033" is not the code of an error; did you mean "AP203"?\n')


def test_validate_checks_a_draft_elsewhere(shell: Shell, tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(MINIMAL.replace("amount >", "amont >"))
    code, out, _ = shell("validate", str(draft))
    assert code == 1
    assert out.splitlines()[0].startswith(f'{draft}:6:12: "amont" is not a column of the model')
    draft.write_text(MINIMAL)
    assert shell("validate", str(draft))[0] == 0


def test_validate_says_what_does_not_exist(shell: Shell) -> None:
    code, _, err = shell("validate", "nowhere")
    assert code == 2
    assert err.startswith("alerting: nowhere does not exist; name a file or folder of ")


def test_validate_goes_on_without_dbt(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from alerting_pipeline.domain.errors import AlertingError

    def broken(app: App) -> Catalog:
        raise AlertingError("models/x.sql is not SQL; correct it.")

    monkeypatch.setattr(App, "catalog", property(broken))
    code, out, _ = shell("validate")
    assert code == 1
    assert out.splitlines()[0] == (
        "dbt_project:1:1: the dbt project can't be read, so models and columns are not checked: "
        "models/x.sql is not SQL; correct it"
    )


def test_show_says_where_each_value_comes_from(shell: Shell) -> None:
    shell.files.write("fraud/large_transaction.yaml", MINIMAL)
    values = shell.json("show", "large_transaction", "--resolved")["values"]
    assert values["condition"] == {
        "value": "amount > :review_limit and status = 'pending'",
        "origin": "fraud/large_transaction.yaml:6",
    }
    assert values["system"]["origin"] == "meta.alerting of model transactions (models/marts/fraud/_models.yml)"
    assert values["owner"] == {"value": "risk-ops", "origin": "defaults.yaml:2"}
    assert values["on_empty"] == {"value": "clear", "origin": "built-in"}
    assert values["deviance.limit"] == {"value": "review_limit", "origin": "derived from condition"}
    assert values["parameters.review_limit.default"] == {"value": "10000", "origin": "fraud/large_transaction.yaml:7"}
    assert values["parameters.review_limit.unit"] == {"value": None, "origin": "built-in"}


def test_show_finds_the_place_of_a_column_in_a_list(shell: Shell) -> None:
    schema = "schema: {columns: [customer_id, amount]}\n"
    shell.files.write("fraud/complete.yaml", DATA.partition("freshness:")[0] + schema)
    values = shell.json("show", "transactions_complete", "--resolved")["values"]
    assert values["schema.columns.amount"]["origin"] == "fraud/complete.yaml:6"


def test_show_prints_a_table_of_what_was_stated(shell: Shell) -> None:
    code, out, _ = shell("show", "large_transaction")
    assert code == 0
    assert out.startswith("large_transaction (fraud/large_transaction.yaml, version ")
    assert "built-in" not in out
    assert re.search(r"severity\.0\.when +deviance >= 10 +fraud/large_transaction\.yaml:35", out)


def test_show_suggests_a_name(shell: Shell) -> None:
    code, _, err = shell("show", "large_transactoin")
    assert (code, err) == (2, 'alerting: "large_transactoin" is not a definition; did you mean "large_transaction"?\n')


def test_route_says_where_by_which_branch_and_why(shell: Shell) -> None:
    arguments = ("--severity", "critical", "--at", "2026-01-05T05:00:00Z")
    code, out, _ = shell("route", "large_transaction", *arguments)
    assert code == 0
    late, members = "  if nobody responds by 2026-01-05", "@ada, @ben"
    assert out.splitlines() == [
        "critical: #risk, risk-mail, fraud_review",
        '  #risk: by branch "fraud / severe"',
        '  risk-mail: by branch "fraud / severe"',
        "  fraud_review: named in write_back",
        "  branches asked:",
        "    taken   fraud: label area is fraud",
        "    taken   fraud / severe: severity is critical or high",
        f"{late} 05:48 UTC: a warning, to {members} (the members of risk-ops)",
        f"{late} 06:00 UTC: the time allowed is over, to {members} (the members of risk-ops)",
        f"{late} 06:00 UTC: escalated, to {members} (the team risk-ops, which has no rota)",
        f"{late} 07:00 UTC: escalated, to {members} (the team risk-ops, which has no lead)",
        "",
    ]


def test_route_answers_for_each_severity_and_in_json(shell: Shell) -> None:
    routes = shell.json("route", "large_transaction")["routes"]
    assert [each["severity"] for each in routes] == ["critical", "high", "medium"]
    assert routes[2]["destinations"] == [
        {"name": "#risk", "channel": "slack"},
        {"name": "fraud_review", "channel": "sheet"},
    ]


def test_route_of_a_data_failure_reaches_no_business_recipient(shell: Shell) -> None:
    [critical, *_] = shell.json("route", "large_transaction", "--kind", "data")["routes"]
    assert [each["name"] for each in critical["destinations"]] == ["#data-team"]
    assert [each["name"] for each in shell.json("route", "dead_letter")["routes"][0]["destinations"]] == ["#data-team"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["large"], '"large" is not an alert'),
        (["large_transaction", "--severity", "hihg"], 'large_transaction has no severity "hihg"; did you mean "high"?'),
        (
            ["large_transaction", "--set", "segmnt=x"],
            '"segmnt" is not a column of transactions; did you mean "segment"?',
        ),
        (["large_transaction", "--set", "segment"], '--set "segment" is not COLUMN=VALUE; write --set region=north'),
        (["large_transaction", "--at", "noon"], '--at "noon" is not an instant'),
    ],
)
def test_route_refuses_what_there_is_not(shell: Shell, arguments: list[str], sentence: str) -> None:
    code, _, err = shell("route", *arguments)
    assert code == 2
    assert err.startswith(f"alerting: {sentence}")


def test_the_schema_in_the_repository_is_current(shell: Shell) -> None:
    code, out, _ = shell("schema")
    assert code == 0
    kept = (PROJECT / "alert_definitions/definition.schema.json").read_text(encoding="utf-8")
    assert kept == out, "run: alerting schema > alert_definitions/definition.schema.json"


@pytest.mark.parametrize("text", [MINIMAL, COMPLETE, DATA, REPORT])
def test_editors_accept_what_is_right(text: str) -> None:
    jsonschema.validate(_as_json(text), definition_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "text",
    [
        COMPLETE.replace("runbook:", "runbok:"),
        COMPLETE.replace("level: medium", "level: medum"),
        COMPLETE.replace("unit: USD", "units: USD"),
        COMPLETE.replace("expire_after: 7d", "expire_after: 7 days"),
        COMPLETE.replace("trigger: materialization", "trigger: {crom: x}"),
        MINIMAL.replace("condition:", "conditions:"),
        REPORT.replace("subject:", "subjects:"),
        DATA.replace("freshness:", "fresh:"),
    ],
)
def test_editors_mark_what_is_wrong(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_as_json(text), definition_schema(), cls=jsonschema.Draft202012Validator)


def test_every_key_of_the_schema_is_described() -> None:
    undescribed = []

    def walk(at: str, schema: Any) -> None:
        for key, value in schema.get("properties", {}).items():
            if "description" not in value and not at.endswith("kind"):
                undescribed.append(f"{at}.{key}")
        if schema.get("type") == "object" and "properties" in schema:
            assert schema.get("additionalProperties") is False, at

    schema = definition_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name, part in schema["$defs"].items():
        walk(name, part)
    assert undescribed == []


def _as_json(text: str) -> Any:
    return json.loads(json.dumps(yaml.safe_load(text), default=str))
