"""`alerting load` as people and programs call it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alerting_pipeline.cli import main
from tests.conftest import PROJECT, Database


@pytest.fixture
def delivered(home: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A landing folder with a customer list; the command uses the test's own database."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    monkeypatch.chdir(PROJECT)
    path = home / "landing" / "customers" / "2026-01-01" / "customers.csv"
    path.parent.mkdir(parents=True)
    path.write_text("customer_id,name,segment,country\n1,Ada,retail,DE\n2,Bob,premium,IE\n")
    return path


def _call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return (stop.value.code if isinstance(stop.value.code, int) else 0), out, err


def test_a_load_ends_with_a_table_and_a_second_one_says_nothing_new(
    delivered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _call("load", "customers", capsys=capsys)
    assert code == 0
    assert out.splitlines()[0].split() == ["source", "files", "rows", "bytes", "rows/s", "outcome"]
    assert "loaded" in out
    assert err.startswith("load: looking for what has arrived")
    code, out, _ = _call("load", "customers", capsys=capsys)
    assert (code, out.splitlines()[-1]) == (0, "nothing new")


def test_every_source_is_loaded_when_none_is_named(delivered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _call("load", "--json", capsys=capsys)
    results = {each["source"]: each for each in json.loads(out)}
    assert code == 0
    assert (results["customers"]["rows"], results["customers"]["outcome"]) == (2, "loaded")
    assert results["cost_and_usage"]["outcome"] == "nothing has arrived"


def test_a_dry_run_says_what_it_would_load(delivered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _call("load", "customers", "--dry-run", capsys=capsys)
    assert code == 0
    assert "customers: would load 2026-01-01/customers.csv" in out
    _, out, _ = _call("load", "customers", "--json", capsys=capsys)
    assert json.loads(out)[0]["files"] == 1


def test_a_refused_file_is_one_sentence_and_exit_code_1(delivered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delivered.write_text("customer_id,name\nx,Ada\n")
    code, _, err = _call("load", "customers", capsys=capsys)
    assert code == 1
    assert (
        'alerting: customers: 2026-01-01/customers.csv:2: column "customer_id": "x" is not a value of type bigint'
        in err
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["custmers"], 2, 'alerting: "custmers" is not a source; did you mean "customers"?\n'),
        (
            ["customers", "--from", "/nowhere"],
            2,
            "alerting: /nowhere does not exist; name a folder or a file that does\n",
        ),
        (["--from", "pyproject.toml"], 2, "is one file; name the source that it belongs to"),
        (["customers", "--from", "dbt_project"], 1, "alerting: no file matches dbt_project/{taken}/customers.csv"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    delivered: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    found, _, err = _call("load", *arguments, capsys=capsys)
    assert found == code
    assert said in err


def test_the_first_line_comes_within_a_second_or_so(delivered: Path) -> None:
    started = time.monotonic()
    loader = subprocess.Popen(
        [sys.executable, "-m", "alerting_pipeline.cli", "load", "customers"],
        cwd=PROJECT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert loader.stderr is not None
    line = loader.stderr.readline()
    waited = time.monotonic() - started
    loader.communicate(timeout=60)
    assert line == "load: looking for what has arrived (0)\n"
    assert waited < 3.0, "it takes 0.3 s alone on a quiet machine"
    assert loader.returncode == 0
