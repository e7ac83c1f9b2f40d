"""plan: what changed files would do, against a commit and against what is in force; counts worked out by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.conftest import Database
from tests.definition_folder import COMPLETE, PEOPLE, DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder"]
PLAIN = COMPLETE.replace("expected_per_week: 3\n", "")
HIGHER = PLAIN.replace("default: 10000", "default: 15000")
LIMIT = "parameters.review_limit.default"
FILE = "fraud/large_transaction.yaml"


class Repository:
    """The project of the folder, under git, with the alert as it is before a change."""

    def __init__(self, folder: DefinitionFolder) -> None:
        self.root = folder.folder.parent
        folder.write(FILE, PLAIN)
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=sample@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", "-C", str(self.root), *identity, *arguments], capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-q", "-m", "Write definitions")


@pytest.fixture
def repository(folder: DefinitionFolder) -> Repository:
    return Repository(folder)


@pytest.fixture
def payments(call: Call, database: Database) -> None:
    """Of each of the last ten days one pending payment: 11 000, 12 000, … 20 000; and a small one long before them."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("delete from marts.transactions")
        connection.execute(
            "insert into marts.transactions (transaction_id, customer_name, amount, status, created_at) "
            "select 'p' || n, 'Ada', 10000 + 1000 * n, 'pending', timestamptz '2026-01-05 04:00Z' - n * interval '1 d' "
            "from generate_series(1, 10) as n"
        )
        connection.execute(
            "insert into marts.transactions (transaction_id, customer_name, amount, status, created_at) "
            "values ('p0', 'Ada', 5, 'settled', timestamptz '2025-12-01 04:00Z')"
        )


def plan(call: Call, *arguments: str) -> Any:
    return data(call, "plan", "--days", "14", *arguments)


@pytest.mark.usefixtures("payments")
def test_a_higher_limit_loses_the_entities_below_it(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    folder.write(FILE, HIGHER)
    found = plan(call, "--base", "HEAD")
    [changed] = found["definitions"]
    assert (changed["name"], changed["change"]) == ("large_transaction", "changed")
    assert [each["key"] for each in changed["differences"]] == [LIMIT]
    # 16 000 to 20 000 stay; 11 000 to 15 000 are no longer over the limit.
    assert (changed["gained"], changed["lost"]) == (0, 5)
    assert changed["incidents_per_week"] == [5.0, 2.5]
    assert found["broken"] == []


@pytest.mark.usefixtures("payments")
def test_a_lower_limit_gains_and_the_page_says_so(call: Call, folder: DefinitionFolder, repository: Repository) -> None:
    folder.write(FILE, HIGHER)
    repository.commit()
    folder.write(FILE, PLAIN)
    code, page, _ = call("plan", "--days", "14", "--base", "main", "--markdown")
    assert code == 0
    assert page.startswith("## Alerts: 1 changed, 0 unchanged against main\n")
    assert r"| large\_transaction | 2.5 → 5.0 | " in page
    assert "Gained, the worst:" in page
    assert " → " in call("plan", "--days", "14", "--base", "main")[1]


@pytest.mark.usefixtures("payments")
def test_new_and_removed_alerts_gain_and_lose_all_of_theirs(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    (folder.folder / "fraud" / "large_transaction.yaml").unlink()
    other = PLAIN.replace("alert: large_transaction", "alert: huge_transaction").replace("10000", "18000")
    folder.write("fraud/huge_transaction.yaml", other)
    found = {each["name"]: each for each in plan(call, "--base", "HEAD")["definitions"]}
    assert {name: (each["change"], each["gained"], each["lost"]) for name, each in found.items()} == {
        "huge_transaction": ("added", 2, 0),
        "large_transaction": ("removed", 0, 10),
    }
    folder.write("fraud/huge_transaction.yaml", other.replace("renamed_from: null", "renamed_from: large_transaction"))
    [renamed] = plan(call, "--base", "HEAD")["definitions"]
    assert (renamed["change"], renamed["gained"], renamed["lost"]) == ("renamed", 0, 8)


@pytest.mark.usefixtures("payments")
def test_without_a_base_the_files_are_compared_with_what_is_in_force(call: Call, folder: DefinitionFolder) -> None:
    assert [each["change"] for each in plan(call)["definitions"]] == ["added"]
    data(call, "evaluate")
    assert call("plan")[1] == "No definition differs from what is in force.\n"
    folder.write(FILE, HIGHER)
    [changed] = plan(call)["definitions"]
    assert (changed["change"], changed["lost"]) == ("changed", 5)


@pytest.mark.usefixtures("payments")
def test_a_broken_policy_is_named_and_ends_with_1(call: Call, folder: DefinitionFolder, repository: Repository) -> None:
    folder.write(FILE, f"{PLAIN[: PLAIN.index('cases:')]}expected_per_week: 2\n")
    code, out, _ = call("plan", "--days", "14", "--base", "HEAD")
    assert code == 1
    assert "policy case: large_transaction: has no case; add `cases:`" in out
    assert "policy expected: large_transaction: would open 5.0 incidents a week where expected_per_week says 2" in out


def test_what_can_not_be_replayed_is_said_and_hides_no_other(
    call: Call, folder: DefinitionFolder, repository: Repository, database: Database
) -> None:
    folder.write(FILE, HIGHER)
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("drop table marts.transactions")
    [changed] = plan(call, "--base", "HEAD")["definitions"]
    assert "transactions is not built yet; `alerting run` builds it" in changed["unknown"]
    for options in ((), ("--markdown",)):
        assert "is not built yet" in call("plan", "--days", "14", "--base", "HEAD", *options)[1]
    [quick] = plan(call, "--base", "HEAD", "--no-replay")["definitions"]
    assert (quick["change"], quick["report"], quick["unknown"]) == ("changed", None, None)
    for options, why in (((), "the whole past of these could not be"), (("--no-replay",), "nothing was")):
        [note] = plan(call, "--base", "HEAD", *options)["notes"]
        assert note == f"budgets and expected_per_week were not checked, because {why} replayed: large_transaction"


def test_a_bad_base_or_a_bad_file_is_said(call: Call, folder: DefinitionFolder, repository: Repository) -> None:
    code, _, err = call("plan", "--base", "no-such-branch")
    assert (code, '"no-such-branch" is no commit that git knows here' in err) == (2, True)
    folder.write(FILE, PLAIN.replace("amount >", "amout >"))
    code, _, err = call("plan", "--base", "HEAD")
    assert (code, "amout" in err, "correct them at the places above" in err) == (1, True, True)


def test_outside_a_repository_the_base_is_refused(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    code, _, err = call("plan", "--base", "HEAD")
    assert (code, "is in no git repository; leave --base out" in err) == (1, True)


@pytest.mark.usefixtures("payments")
def test_removing_an_alert_says_how_many_open_incidents_it_ends(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    data(call, "evaluate")
    (folder.folder / FILE).unlink()
    [note] = plan(call, "--base", "HEAD")["notes"]
    assert note.startswith("removing large_transaction ends 10 open incidents as definition_removed")


@pytest.mark.usefixtures("payments")
def test_a_renamed_alert_takes_the_values_of_people_along(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    free = PLAIN.replace("    approved_by: [risk-lead]            # four eyes; leave out for none\n", "")
    folder.write(FILE, free)
    repository.commit()
    data(call, "evaluate")
    arguments = ("large_transaction", "review_limit", "15000", "--as", "ada", "--reason", "x", "--no-impact")
    assert data(call, "parameters", "propose", *arguments)["status"] == "approved"
    (folder.folder / FILE).unlink()
    renamed = free.replace("alert: large_transaction", "alert: huge_transaction")
    renamed = renamed.replace("renamed_from: null", "renamed_from: large_transaction")
    folder.write("fraud/huge_transaction.yaml", renamed)
    [found] = plan(call, "--base", "HEAD")["definitions"]
    # 16 000 to 20 000 under both names: the file's 10 000 is not what holds.
    assert (found["change"], found["gained"], found["lost"]) == ("renamed", 0, 0)
    assert found["incidents_per_week"] == [2.5, 2.5]


@pytest.mark.usefixtures("payments")
def test_a_smaller_budget_replays_the_alerts_of_its_readers_and_breaks_the_policy(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    people = PEOPLE.replace("risk-ops: {members: [ada, ben]", 'risk-ops: {members: [ada, ben], slack: "#risk"')
    folder.write("people.yaml", people)
    repository.commit()
    folder.write("people.yaml", people.replace('slack: "#risk"', 'slack: "#risk", budget: 1 per week'))
    code, out, _ = call("plan", "--days", "14", "--base", "HEAD")
    assert (code, "policy budget: large_transaction: would put" in out) == (1, True), out
    [found] = plan(call, "--base", "HEAD")["definitions"]
    assert (found["change"], found["gained"], found["lost"]) == ("rerouted", 0, 0)
    assert {each["key"] for each in found["differences"]} == {"budget of risk-ops"}
    out = call("plan", "--base", "HEAD", "--no-replay")[1]
    assert ("people.yaml differs" in out, "nothing was replayed" in out, "replayed over" in out) == (True, True, False)


def test_defaults_that_changed_change_every_alert_that_inherits_them(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    for name in ("second", "third"):
        folder.write(f"fraud/{name}.yaml", PLAIN.replace("alert: large_transaction", f"alert: {name}"))
    repository.commit()
    folder.write("fraud/_defaults.yaml", "version: 1\ninhibited_labels: x\n")
    assert call("plan", "--base", "HEAD", "--no-replay")[0] == 1
    folder.write("fraud/_defaults.yaml", "version: 1\ndigest: daily\n")
    found = plan(call, "--base", "HEAD", "--no-replay")["definitions"]
    assert {each["name"]: [item["key"] for item in each["differences"]] for each in found} == {
        name: ["digest"] for name in ("large_transaction", "second", "third")
    }


def test_a_file_that_moved_is_no_change_and_a_bad_base_counts_as_absent(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    (folder.folder / "moved").mkdir()
    (folder.folder / FILE).rename(folder.folder / "moved" / "other_name.yaml")
    assert plan(call, "--base", "HEAD", "--no-replay")["definitions"] == []
    (folder.folder / "moved" / "other_name.yaml").unlink()
    folder.write(FILE, PLAIN.replace("amount >", "amout >"))
    repository.commit()
    folder.write(FILE, PLAIN)
    found = plan(call, "--base", "HEAD", "--no-replay")
    assert [(each["name"], each["change"]) for each in found["definitions"]] == [("large_transaction", "added")]
    assert found["notes"][0] == f"{FILE} has errors at HEAD and counts as absent there"
    folder.write(FILE, PLAIN.replace("amount >", "amout >"))
    code, page, _ = call("plan", "--base", "HEAD", "--no-replay", "--markdown")
    assert (code, page.startswith("## Alerts: an error in the files, so there is no plan\n")) == (1, True)


def test_a_base_that_can_not_be_unpacked_is_one_sentence(
    call: Call, folder: DefinitionFolder, repository: Repository
) -> None:
    (folder.folder / "link").symlink_to("/etc/hosts")
    repository.commit()
    code, _, err = call("plan", "--base", "HEAD", "--no-replay")
    assert (code, "alert_definitions at HEAD can't be unpacked" in err) == (1, True), err


def test_a_shallow_clone_without_the_base_is_told_to_fetch_it(
    call: Call, folder: DefinitionFolder, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repository.git("rev-parse", "HEAD")
    folder.write(FILE, HIGHER)
    repository.commit()
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(tmp_path / "shallow"))
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(tmp_path / "shallow" / "alert_definitions"))
    code, _, err = call("plan", "--base", first, "--no-replay")
    assert (code, "is no commit that git knows here; name one such as origin/main, or fetch it first" in err) == (
        2,
        True,
    )


def test_a_hook_of_a_linked_worktree_compares_the_folder_and_not_its_parent(
    call: Call, folder: DefinitionFolder, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = tmp_path / "linked"
    repository.git("worktree", "add", "-q", str(linked))
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(linked / "alert_definitions"))
    monkeypatch.setenv("GIT_DIR", str(repository.root / ".git" / "worktrees" / "linked"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository.root / ".git" / "worktrees" / "linked" / "index"))
    found = plan(call, "--base", "HEAD", "--no-replay")
    assert (found["definitions"], found["notes"], found["unchanged"]) == ([], [], 1)
