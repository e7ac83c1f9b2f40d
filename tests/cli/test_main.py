"""The command line as a whole: each error is one sentence and an exit code; nothing heavy is imported in vain."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from alerting_pipeline.cli import COMMANDS, alerting, main


def call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    code = stop.value.code
    return code if isinstance(code, int) else 0, out, err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(command, "--help", capsys=capsys)
    assert code == 0
    assert "Usage: alerting" in out
    assert "--json" in out or "Commands:" in out


def test_an_unknown_command_is_a_bad_call_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call("vlaidate", capsys=capsys)
    assert code == 2
    assert err == 'alerting: "vlaidate" is not a command; did you mean "validate"?; `alerting --help` lists them\n'


def test_an_unknown_option_is_a_bad_call_that_names_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call("validate", "--nonsense", capsys=capsys)
    assert code == 2
    assert "--nonsense" in err
    assert "alerting validate --help" in err


def test_an_error_is_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call("demo", "--days", "0", "--json", capsys=capsys)
    assert code == 2
    assert json.loads(out) == {"error": "--days 0 is out of bounds; give 1 to 730"}


def test_the_help_lists_all_commands_without_importing_them() -> None:
    program = (
        "import sys; from alerting_pipeline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('dagster', 'sqlalchemy', 'pandas', 'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in alerting.commands or COMMANDS)
