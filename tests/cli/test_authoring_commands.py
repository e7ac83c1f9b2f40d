"""preview and history as the author of a definition calls them."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.conftest import Database
from tests.definition_folder import COMPLETE, DATA, REPORT, DefinitionFolder

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


QUERY = """\
version: 1
alert: by_query
entity: customer_id
query: select customer_id, count(*) as payments from {{ ref('transactions') }} group by customer_id
condition: payments > :most
parameters: {most: {default: 0, minimum: 0, maximum: 9}}
summary: "{{ customer_id }} paid {{ payments }} times"
owner: risk-ops
severity: [{level: low, respond_within: 1d}]
cases: []
"""


def everything(database: Database, home: Path) -> dict[str, str]:
    """A digest of every row of every table there is, and of every file of the home."""
    with psycopg.connect(database.superuser_url) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = {}
        for (table,) in tables:
            digest = (
                f"select count(*) || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} as t"
            )
            found[table] = str(connection.execute(digest.encode()).fetchone())
    files = {path.as_posix(): str(path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file()}
    return {**found, **files}


KINDS = ("in force", "only a file", "a path", "a query", "a report", "data", "with errors")


@pytest.mark.scenario
@pytest.mark.parametrize(
    ("kind", "rows"),
    [*((kind, 1) for kind in KINDS), *((kind, rows) for kind in ("in force", "a query") for rows in (0, 10_000))],
)
def test_a_preview_of_whatever_kind_writes_and_sends_nothing_at_all(
    call: Call, folder: DefinitionFolder, database: Database, home: Path, tmp_path: Path, kind: str, rows: int
) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("delete from marts.transactions")
        connection.execute(
            "insert into marts.transactions (transaction_id, customer_id, customer_name, amount, status, segment, "
            "created_at) select 't' || n, 'c' || n, 'Ada', 60000 + n, 'pending', case mod(n, 2) when 0 then 'premium' "
            "end, '2026-01-05 04:22Z' from generate_series(1, %s) as n",
            (rows,),
        )
    named = {"in force": "large_transaction", "only a file": "other", "a path": str(tmp_path / "draft.yaml"),
             "a query": "by_query", "a report": "weekly_account_summary", "data": "transactions_complete",
             "with errors": "large_transaction"}[kind]  # fmt: skip
    data(call, "evaluate", "large_transaction")
    other = COMPLETE.replace("alert: large_transaction", "alert: other")
    folder.write("fraud/other.yaml", other)
    folder.write("fraud/by_query.yaml", QUERY)
    folder.write("fraud/data.yaml", DATA)
    folder.write("reports/letter.yaml", REPORT)
    (tmp_path / "draft.yaml").write_text(COMPLETE.replace("alert: large_transaction", "alert: a_draft"))
    if kind == "with errors":
        folder.write("fraud/large_transaction.yaml", COMPLETE.replace("amount >", "amout >"))
    before = everything(database, home)
    code, out, err = call("preview", named, "--messages", "3")
    assert everything(database, home) == before
    said = {"a report": "`alerting reports preview weekly_account_summary` shows it",
            "data": "`alerting evaluate transactions_complete --dry-run` shows", "with errors": "amout"}  # fmt: skip
    if kind in said:
        assert (code in (1, 2), said[kind] in err) == (True, True), err
        return
    assert code == 0, err
    assert f"{rows} row{'' if rows == 1 else 's'} would fire" in out
    assert ("Slack, " in out) is (rows > 0)
    assert out.endswith("Nothing was written or sent.\n")


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
    number = str(data(call, "incidents")[0]["incident_id"])
    made_by = data(call, "incidents", "show", number)["made_by"]
    assert (made_by["version"], made_by["in_force_to"]) == (first["version"], first["in_force_to"])
    assert f"version: {first['version']}" in call("incidents", "show", number)[1]
    code, out, _ = call("history", "large_transaction")
    assert (code, "1 evaluation, 1 incident opened" in out, "12000" in out) == (0, True, True)
    code, _, err = call("history", "large_transactoin")
    assert (code, 'did you mean "large_transaction"' in err) == (2, True)
