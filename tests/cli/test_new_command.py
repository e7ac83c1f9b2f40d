"""new: an alert from a few answers, as the real loader, engine and git see it."""

from __future__ import annotations

import subprocess

import pytest

from alerting_pipeline.domain.draft import flow, scalar
from alerting_pipeline.domain.errors import BadCall
from tests.cli.test_evaluation_commands import Call, call, data, folder
from tests.cli.test_plan_command import Repository
from tests.definition_folder import DefinitionFolder

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


def test_a_condition_that_is_wrong_is_told_at_its_place(call: Call, folder: DefinitionFolder) -> None:
    code, _, err = call("new", "big_payment", *ANSWERS, "--condition", "amout > :max_amount", "--yes")
    assert (code, "fraud/big_payment.yaml:" in err, "amout" in err) == (1, True, True)
    assert not (folder.folder / "fraud" / "big_payment.yaml").exists()


def test_texts_are_read_back_as_they_were_written() -> None:
    import yaml

    hostile = ["yes", "a: b", "- x", "#x", "{{ a }}", 'say "hi"', "1e3", "0x10", "null", "*a", "a\nb", "ü 💳", " x "]
    for text in hostile:
        assert yaml.safe_load(f"key: {scalar(text)}") == {"key": text}
        assert yaml.safe_load(f"key: {flow({'a': [text]})}") == {"key": {"a": [text]}}


def test_a_parameter_needs_both_bounds_or_none() -> None:
    from alerting_pipeline.domain.draft import Limit

    assert Limit.read("a_b=5:1:9") == Limit("a_b", "5", "1", "9")
    for wrong in ("a_b", "a_b=", "a_b=5:1", "A=5", "a_b=5:1:9:10"):
        with pytest.raises(BadCall, match="is no parameter"):
            Limit.read(wrong)
