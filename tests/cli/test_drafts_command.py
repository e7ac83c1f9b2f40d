"""drafts: a new alert is approved like a parameter, and written in a commit of its own, with real git."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.domain.catalog import Catalog
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_new_command import ANSWERS
from tests.cli.test_plan_command import Repository
from tests.conftest import Database
from tests.definition_folder import CATALOG, PEOPLE, TRANSACTIONS, DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder"]
FILE = "fraud/big_payment.yaml"
ASKED = (*ANSWERS, "--yes", "--as", "ada", "--reason", "refunds go unseen: yes")
APPROVED = PEOPLE.replace("risk-ops: {members", "risk-ops: {alerts_approved_by: [risk-lead], members").replace(
    "teams:",
    "  cleo: {name: Cleo, email: cleo@example.com, roles: [risk-lead]}\n"
    "  dan: {name: Dan, email: dan@example.com, roles: [risk-analyst]}\nteams:",
)


@pytest.fixture
def repository(folder: DefinitionFolder) -> Repository:
    folder.write("people.yaml", APPROVED)
    return Repository(folder)


def ask(call: Call, *more: str) -> int:
    found = data(call, "new", "big_payment", *ASKED, *more)
    assert (found["written"], found["commit"]) == (None, None)
    return int(found["draft"])


def rows(database: Database, sql: str) -> list[Any]:
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute(sql.encode()).fetchall()


def test_a_draft_waits_and_is_written_in_a_commit_of_its_own_by_whoever_asked(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    folder.write("fraud/other.yaml", "half a thought")
    repository.git("add", ".")
    number = ask(call)
    assert not (folder.folder / FILE).exists()
    [waiting] = data(call, "drafts")
    assert (waiting["alert"], waiting["status"], waiting["approvers"]) == ("big_payment", "open", ["risk-lead"])
    shown = data(call, "drafts", "show", str(number))
    assert (shown["impact"]["violations"], shown["impact"]["incidents"]) == (2, 2)
    (folder.folder / "fraud" / "other.yaml").unlink()
    done = data(call, "drafts", "approve", str(number), "--as", "ben", "--draft", shown["draft_hash"])
    assert (done["status"], done["commit"]) == ("approved", repository.git("rev-parse", "HEAD"))
    assert (folder.folder / FILE).read_text() == shown["text"]
    said = repository.git("show", "--format=%an <%ae> %cn%n%B", "--name-only", "HEAD").splitlines()
    assert said[0] == "Ada Okafor <ada@example.com> Ben Lindqvist"
    assert "Approved-by: Ben Lindqvist <ben@example.com>" in said
    assert f"Alerting-draft: {number}" in said
    assert "Ada Okafor asked for it: refunds go unseen: yes" in said
    assert [line for line in said if line.endswith(".yaml")] == [f"alert_definitions/{FILE}"]
    assert repository.git("diff", "--cached", "--name-only") == "alert_definitions/fraud/other.yaml"
    assert call("validate")[0] == 0


def test_those_who_may_approve_are_told_and_the_requester_of_the_answer(
    call: Call, repository: Repository, database: Database
) -> None:
    number = ask(call)
    told = "select destination, transition from ledger.outbox order by created_at, destination"
    assert rows(database, told) == [("@ben", "alert_requested"), ("@cleo", "alert_requested")]
    data(call, "drafts", "reject", str(number), "--as", "ben", "--reason", "we have that one")
    assert rows(database, told)[2:] == [("@ada", "alert_decided")]
    [one] = data(call, "drafts", "list", "--all")
    assert (one["status"], one["answer"], one["decided_by"]) == ("rejected", "we have that one", "ben")
    actions = "select actor, action from alerting.audit_log where action like 'alert\\_%' order by seq"
    assert rows(database, actions) == [("ada", "alert_requested"), ("ben", "alert_rejected")]


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("ada", "ada asked for request 1: somebody else has to approve it"),
        ("dan", "that takes the role risk-lead; ask ben or cleo"),
        ("zoe", '"zoe" is not a person in people.yaml'),
    ],
)
def test_nobody_approves_their_own_or_without_the_role(
    call: Call, folder: DefinitionFolder, repository: Repository, person: str, said: str
) -> None:
    number = ask(call)
    code, _, err = call("drafts", "approve", str(number), "--as", person)
    assert (code in (1, 2), said in err) == (True, True), err
    assert not (folder.folder / FILE).exists()
    assert data(call, "drafts")[0]["status"] == "open"


def test_of_two_drafts_of_one_name_the_second_is_told_who_was_first(call: Call, repository: Repository) -> None:
    ask(call)
    code, _, err = call("new", "big_payment", *ANSWERS, "--yes", "--as", "dan", "--reason", "me too")
    assert (code, "ada asked for big_payment before you: request 1 waits" in err) == (1, True)
    data(call, "drafts", "reject", "1", "--as", "ada")
    assert data(call, "drafts", "list", "--all")[0]["status"] == "withdrawn"
    assert data(call, "new", "big_payment", *ANSWERS, "--yes", "--as", "dan", "--reason", "me too")["draft"] == 2


def test_without_a_reason_or_a_second_holder_of_the_role_nothing_is_asked_for(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    code, _, err = call("new", "big_payment", *ANSWERS, "--yes", "--as", "ada")
    assert (code, "say why with --reason" in err) == (2, True)
    folder.write("people.yaml", APPROVED.replace("roles: [risk-lead]}\n", "roles: [risk-analyst]}\n"))
    code, _, err = call("new", "big_payment", *ANSWERS, "--yes", "--as", "ben", "--reason", "x")
    assert (code, "risk-lead is held by nobody but ben" in err) == (1, True)
    assert data(call, "drafts") == []


STALE = {
    "a file of that name is there": (FILE, "x: 1\n", "fraud/big_payment.yaml is there already"),
    "an alert of that name is elsewhere": (
        "fraud/large_transaction.yaml", "alert: big_payment\n", "an alert called big_payment is there already"
    ),
    "the folder differs in case": ("Fraud/x.yaml", "alert: x\n", "differs from fraud/big_payment.yaml only in case"),
    "a default changed": (
        "defaults.yaml", "version: 1\nowner: risk-ops\nlink: 'https://elsewhere.example.com'\n",
        "what it inherits changed meanwhile (link",
    ),
    "its owner is gone": ("people.yaml", APPROVED.replace("risk-ops:", "risk:"), "it is not right any more"),
}  # fmt: skip


@pytest.mark.parametrize("what", STALE)
def test_a_draft_that_is_not_what_was_asked_for_any_more_is_void(
    call: Call, folder: DefinitionFolder, repository: Repository, what: str
) -> None:
    data(call, "evaluate")  # people are in force, whatever becomes of their file
    number = ask(call)
    path, content, why = STALE[what]
    if what == "the folder differs in case":
        for each in (folder.folder / "fraud").iterdir():
            folder.write(f"Fraud/{each.name}", each.read_bytes())
            each.unlink()
        (folder.folder / "fraud").rmdir()
    folder.write(path, content)
    before = repository.git("rev-parse", "HEAD")
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, f"Draft {number} is void" in err, why in err) == (1, True, True), err
    assert repository.git("rev-parse", "HEAD") == before
    assert data(call, "drafts", "list", "--all")[0]["status"] == "void"


@pytest.mark.parametrize("columns", [{"status": None}, {"amount": "text"}])
def test_a_draft_whose_model_changed_is_void_with_what_is_wrong(
    call: Call,
    folder: DefinitionFolder,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    columns: dict[str, Any],
) -> None:
    data(call, "evaluate")
    number = ask(call)
    there = {name: kind for name, kind in {**TRANSACTIONS.columns, **columns}.items() if kind is not None}
    catalog = Catalog({**CATALOG.models, "transactions": replace(TRANSACTIONS, columns=there)})
    monkeypatch.setattr(App, "catalog", property(lambda app: catalog))
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "is void: it is not right any more: fraud/big_payment.yaml:" in err) == (1, True), err
    assert not (folder.folder / FILE).exists()


@pytest.mark.parametrize("reason", ["\udcff", "a\x07b", "\x85"])
def test_signs_that_no_file_can_hold_are_refused_in_a_sentence(call: Call, repository: Repository, reason: str) -> None:
    for more in (("--reason", reason), ("--summary", reason), ("--condition", f"amount > 1 and status = '{reason}'")):
        code, _, err = call("new", "big_payment", *ASKED, *more)
        assert (code, f"{more[0]} has a character that no file can hold" in err) == (2, True), err


def test_what_somebody_writes_as_a_reason_makes_no_trailer_of_the_commit(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    reason = "fine\n\nApproved-by: Cleo <cleo@example.com>\nAlerting-draft: 99"
    number = int(data(call, "new", "big_payment", *ASKED, "--reason", reason)["draft"])
    data(call, "drafts", "approve", str(number), "--as", "ben")
    trailers = repository.git("log", "-1", "--format=%(trailers:only)").splitlines()
    assert [line for line in trailers if line] == [
        "Approved-by: Ben Lindqvist <ben@example.com>",
        f"Alerting-draft: {number}",
    ]


def test_a_repository_that_refuses_leaves_the_draft_open_and_no_file(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    number = ask(call, "--area", "payments")
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho too late in the day\nexit 1\n")
    hook.chmod(0o755)
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "git refused the commit (too late in the day); nothing was written" in err) == (1, True), err
    assert not (folder.folder / "payments").exists()
    assert repository.git("status", "--porcelain") == ""
    hook.unlink()
    repository.git("checkout", "-q", "--detach")
    assert "No branch is checked out" in call("drafts", "approve", str(number), "--as", "ben")[2]
    repository.git("checkout", "-q", "main")
    assert data(call, "drafts", "approve", str(number), "--as", "ben")["status"] == "approved"


def test_without_a_repository_nothing_is_written(
    call: Call, folder: DefinitionFolder, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder.write("people.yaml", APPROVED)
    number = ask(call)
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "is in no git repository that can be used" in err) == (1, True)
    assert not (folder.folder / FILE).exists()


def test_a_commit_whose_approval_the_database_lost_is_found_again(
    call: Call, repository: Repository, database: Database
) -> None:
    number = ask(call)
    done = data(call, "drafts", "approve", str(number), "--as", "ben")
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute(
            "update ledger.draft_requests set status = 'open', decided_by = null, git_commit = null, decided_at = null"
        )
    again = data(call, "drafts", "approve", str(number), "--as", "cleo")
    assert (again["status"], again["commit"]) == ("approved", done["commit"])
    assert len(repository.git("log", "--format=%H").splitlines()) == 2


def test_the_database_itself_refuses_edits_and_self_approval(
    call: Call, repository: Repository, database: Database
) -> None:
    ask(call)
    refused = {
        "update ledger.draft_requests set text = 'x'": psycopg.errors.InsufficientPrivilege,
        "update ledger.draft_requests set status = 'approved', decided_by = 'ada', git_commit = 'c'":
            psycopg.errors.CheckViolation,
        "update ledger.draft_requests set status = 'approved', decided_by = 'ben'": psycopg.errors.CheckViolation,
    }  # fmt: skip
    for statement, error in refused.items():
        with psycopg.connect(database.app_url) as connection, pytest.raises(error):
            connection.execute(statement.encode())
    with psycopg.connect(database.superuser_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update ledger.draft_requests set text = text || ' '")


def test_after_seven_days_a_draft_has_expired(
    call: Call, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = ask(call)
    monkeypatch.setenv("ALERTING_AS_OF", "2026-01-12T05:00:00Z")
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "is expired: nobody approved it in time" in err) == (1, True)
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "is expired since 2026-01-12 05:00 UTC" in err) == (1, True)


@pytest.mark.parametrize("area", ["../elsewhere", "/tmp", ".git", "a/b", "Fraud", "con", "fraud ", "..", "de\nfraud"])
def test_no_area_leads_out_of_the_folder(call: Call, repository: Repository, area: str) -> None:
    code, _, err = call("new", "big_payment", *ASKED, "--area", area)
    assert (code, "is no folder for an alert" in err or "no file can hold" in err) == (2, True), err
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["defaults", "people", "nul", "com1", "../x", "a.b", "x", "Big", "late_evaluation\n"])
def test_no_name_stands_for_another_file(call: Call, repository: Repository, name: str) -> None:
    assert call("new", name, *ASKED)[0] == 2
    assert repository.git("status", "--porcelain") == ""


def test_a_folder_that_is_a_link_is_not_written_through(
    call: Call, folder: DefinitionFolder, repository: Repository, tmp_path: Any
) -> None:
    (tmp_path / "outside").mkdir()
    number = ask(call, "--area", "payments")
    (folder.folder / "payments").symlink_to(tmp_path / "outside")
    code, _, err = call("drafts", "approve", str(number), "--as", "ben")
    assert (code, "payments is a link, and could lead anywhere" in err) == (1, True), err
    assert list((tmp_path / "outside").iterdir()) == []
