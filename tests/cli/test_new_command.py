"""new: an alert from a few answers, as the real loader, engine and git see it."""

from __future__ import annotations

import subprocess
from io import StringIO

import pytest

from alerting_pipeline.adapters.draft_file import text_of
from alerting_pipeline.domain.draft import Draft, Limit
from alerting_pipeline.domain.errors import BadCall
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import Repository
from tests.definition_folder import DefinitionFolder

pytestmark = pytest.mark.scenario  # each replays weeks by the command line

__all__ = ["call", "folder"]
ANSWERS = (
    "--model", "transactions", "--entity", "transaction_id", "--parameter", "max_amount=8000:100:250000",
    "--condition", "amount > :max_amount and status = 'pending'", "--owner", "risk-ops", "--severity", "high",
    "--respond-within", "4h",
    "--summary", "{{ transaction_id }} is {{ amount | money }}", "--occurred-at", "created_at",
    "--runbook", "docs/runbooks/large_transaction.md",
)  # fmt: skip


def test_a_new_alert_is_tried_out_and_written_with_cases_that_pass(call: Call, folder: DefinitionFolder) -> None:
    found = data(call, "new", "big_payment", *ANSWERS, "--yes")
    assert found["violations"] == 2
    assert [each["differences"] for each in found["cases"]] == [[]]
    assert found["report"]["in_force"]["incidents"] == 2
    assert (folder.folder / "fraud" / "big_payment.yaml").read_text() == found["text"]
    assert 'summary: "{{ transaction_id }} is {{ amount | money }}"' in found["text"]
    assert "Ada" not in found["text"] and "t1" not in found["text"], "a case names nobody"
    assert call("validate")[0] == 0
    assert [each["alert"] for each in data(call, "evaluate", "big_payment")["evaluations"]] == ["big_payment"]


def test_nothing_is_written_before_somebody_says_so(call: Call, folder: DefinitionFolder) -> None:
    for options in ((), ("--dry-run", "--yes")):
        code, out, _ = call("new", "big_payment", *ANSWERS, *options)
        assert (code, out.endswith("Nothing was written.\n")) == (0, True)
    assert "2 rows would fire now" in out
    assert not (folder.folder / "fraud" / "big_payment.yaml").exists()


def test_the_commit_holds_the_file_alone_and_names_its_author(call: Call, folder: DefinitionFolder) -> None:
    repository = Repository(folder)
    folder.write("fraud/other.yaml", "half a thought")
    repository.git("add", ".")
    (folder.folder / "fraud" / "other.yaml").unlink()
    for key, value in (("user.name", "Build"), ("user.email", "build@example.com"), ("commit.gpgsign", "false")):
        subprocess.run(["git", "-C", str(repository.root), "config", key, value], check=True)
    found = data(call, "new", "big_payment", *ANSWERS, "--yes", "--commit", "--as", "ada")
    assert found["commit"] == repository.git("rev-parse", "HEAD")
    shown = repository.git("show", "--format=%an: %s", "--name-only", "HEAD").splitlines()
    assert shown[0].endswith(": Add the alert big_payment") and shown[0].startswith("Ada")
    assert [line for line in shown[1:] if line] == ["alert_definitions/fraud/big_payment.yaml"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("large_transaction", (), "large_transaction is there already"),
        ("Big Payment", (), '"Big Payment" is no name for an alert'),
        ("big_payment", ("--model", "transaction"), 'did you mean "transactions"'),
        ("big_payment", ("--entity", "transaction"), '"transaction" is not a column of transactions'),
        ("big_payment", ("--owner", "risk"), '"risk" is not a team in people.yaml'),
        ("big_payment", ("--parameter", "max_amount"), '"max_amount" is no parameter; write one such as'),
    ],
)
def test_a_wrong_answer_is_one_sentence(call: Call, name: str, options: tuple[str, ...], said: str) -> None:
    code, _, err = call("new", name, *ANSWERS, *options, "--yes")
    assert (code, said in err) == (2, True), err


def test_what_is_missing_is_named_with_what_there_is(call: Call) -> None:
    code, _, err = call("new", "big_payment")
    assert (code, "--model is missing: the mart that it reads; there are " in err, "transactions" in err) == (
        2,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("--model tr", {"transactions"}),
        ("--model st", set()),
        ("--model transactions --entity tra", {"transaction_id"}),
        (
            "--model transactions --entity transaction_id,cus",
            {"transaction_id,customer_id", "transaction_id,customer_name"},
        ),
        ("--model nothing --entity tra", set()),
        ("--model transactions --occurred-at crea", {"created_at"}),
        ("--owner ri", {"risk-ops"}),
        ("--area fr", {"fraud"}),
        ("--severity hi", {"high"}),
    ],
)
def test_the_shell_completes_marts_columns_and_teams(
    call: Call, monkeypatch: pytest.MonkeyPatch, words: str, offered: set[str]
) -> None:
    line = f"alerting new big_payment {words}"
    monkeypatch.setenv("_ALERTING_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    _, out, err = call()
    assert ({each.partition(",")[2] for each in out.split()}, err) == (offered, "")


def test_completion_is_silent_where_nothing_can_be_read(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTING_DEFINITIONS", "/nowhere")
    for option in ("--owner", "--area"):
        monkeypatch.setenv("_ALERTING_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"alerting new x {option} r")
        monkeypatch.setenv("COMP_CWORD", "4")
        _, out, err = call()
        assert (out.strip(), err) == ("", "")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_is_missing_is_asked_for_until_it_is_right(
    call: Call, folder: DefinitionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["transaction", "transactions", "", "amount > 8000 and status = 'pending'", "y"]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers) + "\n"))
    code, out, err = call("new", "big_payment", "--severity", "high", "--respond-within", "4h")
    assert code == 0, err
    assert "there are customers, transactions" in err
    assert 'did you mean "transactions"' in err
    assert "[transaction_id]" in err, "the key of the mart is the answer to begin with"
    assert "Write fraud/big_payment.yaml?" in err
    assert "2 rows would fire now" in out
    assert (folder.folder / "fraud" / "big_payment.yaml").exists()


def test_a_condition_that_is_wrong_is_told_at_its_place(call: Call, folder: DefinitionFolder) -> None:
    code, _, err = call("new", "big_payment", *ANSWERS, "--condition", "amout > :max_amount", "--yes")
    assert (code, "fraud/big_payment.yaml:" in err, "amout" in err) == (1, True, True)
    assert not (folder.folder / "fraud" / "big_payment.yaml").exists()


HOSTILE = [
    "yes", "No", "a: b", "- x", "#x", "a #b", "{{ a }}", 'say "hi"', "it's", "1e3", "0x10", "0123", "1_000",
    "null", "*a", "&a", "!a", "%a", "@a", "a\nb\n", "a\tb", "ü 💳", " x ", "", "2026-01-05", "12:30:00", "---", "...",
    "[a", "~", "\u2028", "\u00a0", "x" * 500, "a\\nb", "=", "<<", "?", "|", "{a",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_read_back_as_they_were_written(text: str) -> None:
    import yaml

    from alerting_pipeline.adapters.yaml_tree import read

    draft = Draft(
        name="a_b", area="fraud", model="m", entity=(text, "b"), condition=text or "x", summary=f"{text}.", owner="y",
        cases=({"name": text, "at": "2026-01-05T05:00:00Z", "rows": [{"key": text, text: 1.5}], "expect": []},),
    )  # fmt: skip
    written = text_of(draft)
    read(written.encode(), "a_b.yaml")
    found = yaml.safe_load(written)  # YAML 1.1: the reader with the most surprises
    assert (found["entity"], found["summary"], found["owner"]) == ([text, "b"], f"{text}.", "y")
    assert (found["cases"][0]["name"], found["cases"][0]["rows"]) == (text, [{"key": text, text: 1.5}])


def test_numbers_of_a_limit_stay_as_they_were_written() -> None:
    draft = Draft("a_b", "fraud", "m", ("e",), "x", "s.", limits=(Limit("most", "0.10", "0", "1e400"),))
    assert '  most: {default: 0.10, minimum: 0, maximum: "1e400"}' in text_of(draft)


def test_a_parameter_needs_both_bounds_or_none() -> None:
    assert Limit.read("a_b=5:1:9") == Limit("a_b", "5", "1", "9")
    for wrong in ("a_b", "a_b=", "a_b=5:1", "A=5", "a_b=5:1:9:10"):
        with pytest.raises(BadCall, match="is no parameter"):
            Limit.read(wrong)
